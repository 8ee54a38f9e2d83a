package render

import (
	"slices"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// The block ids of the inputs, to which the errors of a submission are addressed.
const (
	BlockKey        = "key"
	BlockNote       = "note"
	BlockPerson     = "person"
	BlockDuration   = "duration"
	BlockOther      = "other_duration"
	BlockChannel    = "channel"
	BlockServers    = "servers"
	BlockSystemUser = "system_user"
	BlockReason     = "reason"
	BlockSignature  = "signature"
)

// actionValue is the action id of the one input of every block.
const actionValue = "value"

const (
	keyMax     = 3000 // a text input takes no more; RSA keys of 16,384 bits fit
	lineMax    = 150
	patternMax = access.MaxPattern
	reasonMax  = 500
)

// RegisterModal asks for a public key.
func RegisterModal() slack.ModalViewRequest {
	where := "*Where to find it*\nLinux: `cat ~/.ssh/id_ed25519.pub`\nmacOS: `pbcopy &lt; ~/.ssh/id_ed25519.pub` copies it\n" +
		"Windows: `type $env:USERPROFILE\\.ssh\\id_ed25519.pub` in PowerShell\n" +
		"No key yet? `ssh-keygen -t ed25519` makes one on all three."
	return modal(ModalRegister, "Register a public key", "Register", "",
		input(BlockKey, "Public key", "One line that begins with a type such as ssh-ed25519. Never the private key.",
			textInput("ssh-ed25519 AAAA…", "", keyMax).WithMultiline(true)),
		section(markup(where)),
		input(BlockNote, "Note", "Tells your keys apart, for example the name of the computer.", textInput("", "", noteLimit)).WithOptional(true),
	)
}

// DenyModal asks an approver why.
func DenyModal(v workflow.RequestView) slack.ModalViewRequest {
	return modal(ModalDeny, "Deny the request", "Deny", decisionValue(v),
		input(BlockReason, "Reason", "The requester and the channel see it.", textInput("", "", reasonMax).WithMultiline(true)))
}

// EditModal lets an approver narrow a request before deciding it.
func EditModal(v workflow.RequestView) slack.ModalViewRequest {
	r := v.Request
	blocks := []slack.Block{
		section(markup(intro(v))),
		input(BlockDuration, "How long", atMost(r), textInput("", TypedDuration(r.Duration), lineMax)),
	}
	if r.Kind == access.KindGrant {
		hint := "A part of those asked for."
		if r.Pattern == "" {
			hint += " Left empty, it stays every server."
		}
		// Required where servers were named: an emptied field would mean every server.
		blocks = append(blocks, input(BlockServers, "Servers", hint, textInput("", r.Pattern, patternMax)).WithOptional(r.Pattern == ""))
	}
	return modal(ModalEdit, "Narrow the request", "Narrow", decisionValue(v), blocks...)
}

func atMost(r access.Request) string {
	text := "At most " + durationText(r.Duration) + "."
	if r.ShortenedBy != "" {
		text += " Asked for was " + durationText(r.AskedDuration) + "."
	}
	return text
}

func modal(callback, title, submit, meta string, blocks ...slack.Block) slack.ModalViewRequest {
	return slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: callback, PrivateMetadata: meta,
		Title: plain(title), Submit: plain(submit), Close: plain("Cancel"), Blocks: slack.Blocks{BlockSet: blocks},
	}
}

func input(block, label, hint string, element slack.BlockElement) *slack.InputBlock {
	b := slack.NewInputBlock(block, plain(label), nil, element)
	if hint != "" {
		b.Hint = plain(hint)
	}
	return b
}

func textInput(placeholder, initial string, limit int) *slack.PlainTextInputBlockElement {
	e := slack.NewPlainTextInputBlockElement(nil, actionValue).WithMaxLength(limit)
	if placeholder != "" {
		e.Placeholder = plain(placeholder)
	}
	if text := plainText(initial, limit); text != "" {
		e.InitialValue = text
	}
	return e
}

func peopleMenu(chosen access.UserID) *slack.SelectBlockElement {
	e := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Choose a person"), actionValue)
	if userID.MatchString(string(chosen)) {
		e.InitialUser = string(chosen)
	}
	return e
}

func userMenu(users []string, chosen string) *slack.SelectBlockElement {
	options := make([]*slack.OptionBlockObject, len(users))
	for i, user := range users {
		options[i] = option(user, user)
	}
	initial := max(0, slices.Index(users, chosen))
	return staticMenu(actionValue, options).WithInitialOption(options[initial])
}

// keepChannel keeps what is no channel out of private_metadata.
func keepChannel(id string) string {
	if len(id) > 30 || plainText(id, 40) != id {
		return ""
	}
	return id
}
