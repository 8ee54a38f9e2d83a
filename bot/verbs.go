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
func (b *Bot) command(ctx context.Context, a act) (slackapi.Reply, error) {
	c, err := understand(a)
	if err != nil {
		return slackapi.Reply{}, err
	}
	do := map[string]func(context.Context, act, command) (render.Message, error){
		"register": b.register, "keys": b.keys, "grant": b.grant, "extend": b.extend, "done": b.done,
		"revoke": b.revoke, "offboard": b.offboard, "list": b.list, "pending": b.pending, "servers": b.servers,
	}[c.Verb]
	if do == nil {
		return slackapi.Ephemeral(render.Help()), nil
	}
	m, err := do(ctx, a, c)
	return slackapi.Ephemeral(m), err
}

func (b *Bot) register(ctx context.Context, a act, c command) (render.Message, error) {
	done, err := b.cfg.Uses.Register(ctx, a.Person, *c.Key, c.Key.Comment)
	return render.Registered(done), err
}

func (b *Bot) keys(ctx context.Context, a act, c command) (render.Message, error) {
	of := c.Person
	if of == "" {
		of = a.Person
	}
	keys, err := b.cfg.Uses.Keys(ctx, a.Person, of)
	return render.Keys(keys, of), err
}

func (b *Bot) grant(ctx context.Context, a act, c command) (render.Message, error) {
	if err := b.seen(a); err != nil {
		return render.Message{}, err
	}
	r, err := b.cfg.Uses.AskGrant(ctx, workflow.GrantAsk{
		Source: a.ID, Asker: a.Person, Person: c.Person, Duration: c.Duration, Forever: c.Forever,
		Servers: c.Servers, SystemUser: c.SystemUser, Reason: c.Reason, Channel: a.Channel,
	})
	return b.asked(ctx, a, r, err)
}

func (b *Bot) extend(ctx context.Context, a act, c command) (render.Message, error) {
	if err := b.seen(a); err != nil {
		return render.Message{}, err
	}
	r, err := b.cfg.Uses.AskExtend(ctx, workflow.ExtendAsk{
		Source: a.ID, Asker: a.Person, Person: c.Person, Duration: c.Duration, Channel: a.Channel,
	})
	return b.asked(ctx, a, r, err)
}

func (b *Bot) done(ctx context.Context, a act, _ command) (render.Message, error) {
	given, err := b.cfg.Uses.GiveBack(ctx, a.Person, 0, a.ID)
	return b.givenBack(ctx, given, err)
}

// givenBack names what was given back, as its requests do.
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

func (b *Bot) revoke(ctx context.Context, a act, c command) (render.Message, error) {
	if err := b.seen(a); err != nil {
		return render.Message{}, err
	}
	r, err := b.cfg.Uses.AskRevoke(ctx, workflow.RevokeAsk{
		Source: a.ID, Asker: a.Person, Person: c.Person, Fingerprint: c.Fingerprint, Key: c.Key,
		Servers: c.Servers, Reason: c.Reason, Channel: a.Channel,
	})
	return b.asked(ctx, a, r, err)
}

func (b *Bot) offboard(ctx context.Context, a act, c command) (render.Message, error) {
	r, err := b.cfg.Uses.Offboard(ctx, workflow.OffboardAsk{
		Source: a.ID, Asker: a.Person, Person: c.Person, Reason: c.Reason, Channel: a.Channel,
	})
	return b.asked(ctx, a, r, err)
}

// asked shows a draft with what it would do, for its asker to confirm, and any other
// request as a receipt.
func (b *Bot) asked(ctx context.Context, a act, r access.Request, err error) (render.Message, error) {
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
		return render.Asked(v, a.Person, b.cfg.ApprovalChannel), nil
	}
	return render.Asked(v, a.Person, a.Channel), nil
}

// seen refuses to ask where no approver would see the request.
func (b *Bot) seen(a act) error {
	if b.cfg.ApprovalChannel == "" && strings.HasPrefix(a.Channel, "D") {
		return refuse("Nobody else would see a request made in a direct message. Use the command in a channel where approvers are.")
	}
	return nil
}

func (b *Bot) list(ctx context.Context, a act, c command) (render.Message, error) {
	o, err := b.cfg.Uses.Access(ctx, a.Person, c.Person)
	return render.List(o, cmp.Or(c.Person, a.Person), c.Person == "" || c.Person == a.Person), err
}

func (b *Bot) pending(ctx context.Context, a act, _ command) (render.Message, error) {
	views, err := b.cfg.Uses.PendingRequests(ctx, a.Person)
	return render.Pending(views), err
}

func (b *Bot) servers(ctx context.Context, a act, c command) (render.Message, error) {
	found, err := b.cfg.Uses.FindServers(ctx, a.Person, c.Servers)
	if err != nil {
		return render.Message{}, err
	}
	all := found
	if c.Servers != "" {
		all, err = b.cfg.Uses.FindServers(ctx, a.Person, "")
	}
	return render.Servers(found, len(all)), err
}
