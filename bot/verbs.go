package bot

import (
	"cmp"
	"context"
	"strings"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// command does what a slash command asks for.
func (b *Bot) command(ctx context.Context, in interaction) (slackapi.Reply, error) {
	if in.unclear != nil {
		return slackapi.Reply{}, in.unclear
	}
	do := map[string]func(context.Context, interaction, command) (render.Message, error){
		"register": b.register, "keys": b.keys, "grant": b.grant, "extend": b.extend, "done": b.done,
		"revoke": b.revoke, "offboard": b.offboard, "list": b.list, "pending": b.pending, "servers": b.servers,
	}[in.command.Verb]
	if do == nil {
		return slackapi.Ephemeral(render.Help()), nil
	}
	m, err := do(ctx, in, in.command)
	return slackapi.Ephemeral(m), err
}

func (b *Bot) register(ctx context.Context, in interaction, c command) (render.Message, error) {
	done, err := b.cfg.Uses.Register(ctx, in.Person, *c.Key, c.Key.Comment)
	return render.Registered(done), err
}

func (b *Bot) keys(ctx context.Context, in interaction, c command) (render.Message, error) {
	of := c.Person
	if of == "" {
		of = in.Person
	}
	keys, err := b.cfg.Uses.Keys(ctx, in.Person, of)
	return render.Keys(keys, of), err
}

func (b *Bot) grant(ctx context.Context, in interaction, c command) (render.Message, error) {
	if err := b.checkVisible(in); err != nil {
		return render.Message{}, err
	}
	r, err := b.cfg.Uses.AskGrant(ctx, workflow.GrantAsk{
		Source: in.ID, Asker: in.Person, Person: c.Person, Duration: c.Duration, Forever: c.Forever,
		Servers: c.Servers, SystemUser: c.SystemUser, Reason: c.Reason, Channel: in.Channel,
	})
	return b.receipt(ctx, in, r, err)
}

func (b *Bot) extend(ctx context.Context, in interaction, c command) (render.Message, error) {
	if err := b.checkVisible(in); err != nil {
		return render.Message{}, err
	}
	r, err := b.cfg.Uses.AskExtend(ctx, workflow.ExtendAsk{
		Source: in.ID, Asker: in.Person, Person: c.Person, Duration: c.Duration, Channel: in.Channel,
	})
	return b.receipt(ctx, in, r, err)
}

func (b *Bot) done(ctx context.Context, in interaction, _ command) (render.Message, error) {
	given, err := b.cfg.Uses.GiveBack(ctx, in.Person, 0, in.ID)
	return b.givenBack(ctx, given, err)
}

// givenBack returns the message that names what was given back, as its requests do.
func (b *Bot) givenBack(ctx context.Context, given []access.Grant, err error) (render.Message, error) {
	if err != nil {
		return render.Message{}, err
	}
	var views []workflow.RequestView
	for _, g := range given {
		v, err := b.cfg.Uses.View(ctx, g.RequestID)
		if err != nil {
			return render.Message{}, err
		}
		views = append(views, v)
	}
	return render.GivenBack(views), nil
}

func (b *Bot) revoke(ctx context.Context, in interaction, c command) (render.Message, error) {
	if err := b.checkVisible(in); err != nil {
		return render.Message{}, err
	}
	r, err := b.cfg.Uses.AskRevoke(ctx, workflow.RevokeAsk{
		Source: in.ID, Asker: in.Person, Person: c.Person, Fingerprint: c.Fingerprint, Key: c.Key,
		Servers: c.Servers, Reason: c.Reason, Channel: in.Channel,
	})
	return b.receipt(ctx, in, r, err)
}

func (b *Bot) offboard(ctx context.Context, in interaction, c command) (render.Message, error) {
	r, err := b.cfg.Uses.Offboard(ctx, workflow.OffboardAsk{
		Source: in.ID, Asker: in.Person, Person: c.Person, Reason: c.Reason, Channel: in.Channel,
	})
	return b.receipt(ctx, in, r, err)
}

// receipt returns the message to who asked: a draft with what it would do, to be confirmed,
// and of any other request that it was made.
func (b *Bot) receipt(ctx context.Context, in interaction, r access.Request, err error) (render.Message, error) {
	if err != nil {
		return render.Message{}, err
	}
	v, err := b.cfg.Uses.View(ctx, r.ID)
	switch {
	case err != nil:
		return render.Message{}, err
	case r.State == access.Draft:
		return render.Draft(v), nil
	case b.cfg.ApprovalChannel != "":
		return render.Asked(v, in.Person, b.cfg.ApprovalChannel), nil
	}
	return render.Asked(v, in.Person, in.Channel), nil
}

// checkVisible refuses to ask where no approver would see the request.
func (b *Bot) checkVisible(in interaction) error {
	if b.cfg.ApprovalChannel == "" && strings.HasPrefix(in.Channel, "D") {
		return refuse("Nobody else would see a request made in a direct message. Use the command in a channel where approvers are.")
	}
	return nil
}

func (b *Bot) list(ctx context.Context, in interaction, c command) (render.Message, error) {
	o, err := b.cfg.Uses.Access(ctx, in.Person, c.Person)
	return render.List(o, cmp.Or(c.Person, in.Person), c.Person == "" || c.Person == in.Person), err
}

func (b *Bot) pending(ctx context.Context, in interaction, _ command) (render.Message, error) {
	views, err := b.cfg.Uses.PendingRequests(ctx, in.Person)
	return render.Pending(views), err
}

func (b *Bot) servers(ctx context.Context, in interaction, c command) (render.Message, error) {
	found, err := b.cfg.Uses.FindServers(ctx, in.Person, c.Servers)
	if err != nil {
		return render.Message{}, err
	}
	all := found
	if c.Servers != "" {
		all, err = b.cfg.Uses.FindServers(ctx, in.Person, "")
	}
	return render.Servers(found, len(all)), err
}
