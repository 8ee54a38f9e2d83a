package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"sshkeybot/bot/render"
	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// verb is one word that /sshkey understands.
type verb struct {
	name  string
	form  string // what is typed after the name
	who   string // may ask; the use case decides it
	part  string // heading of the help; empty is not shown there
	about string // what it is good for, as a sentence

	read func(c *command, rest string) error // reads what is typed after the name
	do   func(*Bot, context.Context, interaction, command) (render.Message, error)

	modal     string // callback id of the form that asks for what is left out, if any
	readsOnly bool   // changes nothing, so it is not kept to be tried again
	atOnce    bool   // done before the acknowledgement, without being stored
	toOthers  bool   // is for approvers to see, so it is refused where they would not
}

// The headings of the help.
const (
	yourAccess   = "Your access"
	yourKeys     = "Your keys"
	revokeAccess = "Revoke access"
	forApprovers = "For approvers"
)

// helpName is the verb of a command without one.
const helpName = "help"

// verbs returns all of them, in the order of the help.
func verbs() []verb {
	return []verb{
		{
			name: "grant", form: "@user DURATION [on SERVERS] [as SYSTEM_USER] [for REASON]", who: "everybody", part: yourAccess,
			about: "ask for access, for yourself or for somebody else. An approver decides.",
			read:  readGrant, do: (*Bot).grant, toOthers: true, modal: render.ModalGrant,
		},
		{
			name: "extend", form: "@user DURATION", who: "who has the access, or asked for it", part: yourAccess,
			about: "ask for more time.",
			read:  readExtend, do: (*Bot).extend, toOthers: true,
		},
		{
			name: "done", who: "who has the access", part: yourAccess,
			about: "give your access back early.",
			read:  readNothing, do: (*Bot).done,
		},
		{
			name: "list", form: "[@user]", who: "everybody about themself, approvers about all", part: yourAccess,
			about: "who has access, and until when.",
			read:  readPerson, do: (*Bot).list, readsOnly: true,
		},
		{
			name: "register", form: "[KEY [note]]", who: "everybody", part: yourKeys,
			about: "register your public key.",
			read:  readRegister, do: (*Bot).register, modal: render.ModalRegister,
		},
		{
			name: "keys", form: "[@user]", who: "everybody about themself, approvers about all", part: yourKeys,
			about: "show registered keys.",
			read:  readPerson, do: (*Bot).keys, readsOnly: true,
		},
		{
			name: "revoke", form: "@user|FINGERPRINT|KEY [on SERVERS] [for REASON]", who: "everybody", part: revokeAccess,
			about: "end access early, or have a key removed. An approver decides.",
			read:  readRevoke, do: (*Bot).revoke, toOthers: true,
		},
		{
			name: "offboard", form: "@user [for REASON]", who: "approvers", part: forApprovers,
			about: "remove everything of a person everywhere.",
			read:  readOffboard, do: (*Bot).offboard,
		},
		{
			name: "audit", form: "[SERVERS]", who: "approvers", part: forApprovers,
			about: "compare what is on the servers with what I know, and decide about the rest.",
			read:  readServers, do: (*Bot).audit, toOthers: true,
		},
		{
			name: "purge", form: "SYSTEM_USER [on SERVERS]", who: "approvers", part: forApprovers,
			about: "remove every key of a system user, whoever placed it. Another approver decides about the list.",
			read:  readPurge, do: (*Bot).purge, toOthers: true,
		},
		{
			name: "rotate", form: "ACCOUNT [as SYSTEM_USER] [on SERVERS]", who: "approvers", part: forApprovers,
			about: "give an SSH key pair account of Octopus Deploy another key. Another approver decides. `as` and `on` are for an account that is to be made.",
			read:  readRotate, do: (*Bot).rotate, toOthers: true,
		},
		{
			name: "reinstate", form: "@user [for REASON]", who: "approvers", part: forApprovers,
			about: "let somebody who was offboarded be given access again. Another approver decides.",
			read:  readOffboard, do: (*Bot).reinstate, toOthers: true,
		},
		{
			name: "pending", who: "approvers", part: forApprovers,
			about: "what waits for a decision.",
			read:  readNothing, do: (*Bot).pending, readsOnly: true,
		},
		{
			name: "servers", form: "[SERVERS]", who: "approvers", part: forApprovers,
			about: "which servers there are.",
			read:  readServers, do: (*Bot).servers, readsOnly: true,
		},
		{
			name: "log", form: "[@user|REQUEST]", who: "approvers", part: forApprovers,
			about: "who did what, and when.",
			read:  readLog, do: (*Bot).log, readsOnly: true,
		},
		{name: helpName, about: "what I understand.", read: readAnything, do: (*Bot).help, readsOnly: true, atOnce: true},
	}
}

// Verb is a word that /sshkey understands, for who helps somebody to type it.
type Verb struct {
	Name  string
	Form  string // what is typed after it
	About string // what it is good for, as a sentence
}

// Verbs returns the words that /sshkey understands, in the order of the help.
func Verbs() []Verb {
	var all []Verb
	for _, v := range verbs() {
		all = append(all, Verb{v.name, v.form, v.about})
	}
	return all
}

// verbNamed returns the verb of a name, the zero one when there is none.
func verbNamed(name string) verb {
	return firstOf(verbs(), func(v verb) bool { return v.name == name })
}

func verbNames() []string {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	return names
}

// typed returns how the verb is typed after /sshkey.
func (v verb) typed() string { return strings.TrimSpace(v.name + " " + v.form) }

func unknownVerb(name string) error {
	if len(name) <= 20 {
		if near := closest(name, verbNames()); near != "" {
			return refuse("I do not know that command. Did you mean `/sshkey %s`? `/sshkey help` shows all.", near)
		}
	}
	return refuse("I do not know that command. `/sshkey help` shows all.")
}

// withForm adds the right form to a refusal of words; what is said about a key
// stands by itself.
func (v verb) withForm(err error) error {
	if access.CodeOf(err) != access.Invalid {
		return err
	}
	e, _ := errors.AsType[*access.Error](err)
	return &access.Error{Code: access.Invalid, Op: e.Op, Message: fmt.Sprintf("%s The form is `/sshkey %s`.", e.Message, v.typed()), Word: e.Word}
}

// command does what a slash command asks for.
func (b *Bot) command(ctx context.Context, in interaction) (slackapi.Reply, error) {
	if in.unclear != nil {
		return slackapi.Reply{}, in.unclear
	}
	v := in.command.verb()
	if v.toOthers {
		if err := b.checkVisible(in); err != nil {
			return slackapi.Reply{}, err
		}
	}
	m, err := v.do(b, ctx, in, in.command)
	return slackapi.Ephemeral(m), err
}

func (b *Bot) help(ctx context.Context, in interaction, _ command) (render.Message, error) {
	var shown []render.Verb
	for _, v := range verbs() {
		if v.part != "" {
			typed := v.typed()
			if b.cfg.ReasonRequired && v.modal == render.ModalGrant {
				typed = strings.Replace(typed, "[for REASON]", "for REASON", 1)
			}
			shown = append(shown, render.Verb{Part: v.part, Name: v.name, Typed: typed, About: v.about, Opens: v.modal != ""})
		}
	}
	return render.Help(shown, b.cfg.Accounts), b.checkEligible(ctx, in)
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
	r, err := b.cfg.Uses.AskGrant(ctx, workflow.GrantAsk{
		Source: in.ID, Asker: in.Person, Person: c.Person, Duration: c.Duration, Forever: c.Forever,
		Servers: c.Servers, SystemUser: c.SystemUser, Reason: c.Reason, Channel: in.Channel,
	})
	return b.receipt(ctx, in, r, err)
}

func (b *Bot) extend(ctx context.Context, in interaction, c command) (render.Message, error) {
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

func (b *Bot) purge(ctx context.Context, in interaction, c command) (render.Message, error) {
	r, err := b.cfg.Uses.AskPurge(ctx, workflow.PurgeAsk{
		Source: in.ID, Asker: in.Person, SystemUser: c.SystemUser, Servers: c.Servers, Channel: in.Channel,
	})
	return b.receipt(ctx, in, r, err)
}

func (b *Bot) rotate(ctx context.Context, in interaction, c command) (render.Message, error) {
	r, err := b.cfg.Uses.AskRotate(ctx, workflow.RotateAsk{
		Source: in.ID, Asker: in.Person, Account: c.Account, SystemUser: c.SystemUser, Servers: c.Servers, Channel: in.Channel,
	})
	return b.receipt(ctx, in, r, err)
}

func (b *Bot) reinstate(ctx context.Context, in interaction, c command) (render.Message, error) {
	r, err := b.cfg.Uses.AskReinstate(ctx, workflow.ReinstateAsk{
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
	}
	at := render.Post{Channel: cmp.Or(b.cfg.ApprovalChannel, in.Channel)} // where it will be
	if r.Asker != in.Person {                                             // it is there already
		var posts map[int64]render.Post
		posts, err = b.cfg.Outbox.RequestPosts(ctx, r.ID)
		at = posts[r.ID]
	}
	return render.Asked(v, in.Person, at), err
}

// checkVisible refuses to ask where no approver would see the request.
func (b *Bot) checkVisible(in interaction) error {
	if b.cfg.ApprovalChannel == "" && strings.HasPrefix(in.Channel, "D") {
		return refuse("Nobody else would see a request made in a direct message. Use the command in a channel where approvers are.")
	}
	return nil
}
