package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/workflow"
)

// EveryServer is what the form for access holds instead of names for every server, so that nobody asks for all
// of them by leaving a field empty.
const EveryServer = "*"

// otherDuration is the choice of the menu that opens a field for another one.
const otherDuration = "other"

// GrantForm is what the form for access holds, as typed and chosen.
type GrantForm struct {
	Person     access.UserID
	Duration   string
	Other      bool   // Duration was typed, since the menu does not have it
	Servers    string // a pattern, or EveryServer; empty for nothing
	SystemUser string
	Reason     string
	Channel    string // where the request goes if there is no approval channel; travels in private_metadata where it is known
}

// GrantOffer is what the form for access lets people choose of.
type GrantOffer struct {
	SystemUsers    []string // the usual one first
	Limits         workflow.Durations
	Durations      []time.Duration // that the person asked for lately, the last first
	ReasonRequired bool
	AskChannel     bool // the form asks where the request goes
}

// GrantModal asks for access, filled in with what is known.
func GrantModal(form GrantForm, offer GrantOffer) slack.ModalViewRequest {
	blocks := []slack.Block{input(BlockPerson, "Who gets access", "", peopleMenu(form.Person))}
	blocks = append(blocks, durationInputs("How long", "The clock starts at the approval.", form, offer)...)
	blocks = append(blocks, input(BlockServers, "Servers", "Type a part of a name, a pattern such as web-*, #ID or tag:NAME.", serversMenu(form.Servers)))
	if len(offer.SystemUsers) > 0 {
		blocks = append(blocks, input(BlockSystemUser, "System user", "The Linux user to log in as.", userMenu(offer.SystemUsers, form.SystemUser)))
	}
	blocks = append(blocks, input(BlockReason, "Reason", "", textInput("", form.Reason, reasonMax).WithMultiline(true)).WithOptional(!offer.ReasonRequired))
	meta := keepChannel(form.Channel)
	if offer.AskChannel {
		meta = ""
		blocks = append(blocks, input(BlockChannel, "Channel", "Where the request is shown to approvers.", channelMenu()))
	}
	return modal(ModalGrant, "Ask for SSH access", "Ask", meta, blocks...)
}

// ExtendModal asks by how much a grant should last longer. Of the form and the offer, only the durations matter.
func ExtendModal(g workflow.GrantView, form GrantForm, offer GrantOffer) slack.ModalViewRequest {
	offer.Limits.Forever, offer.Durations = false, nil // those were asked for to begin with
	blocks := []slack.Block{section(markup("Your access " + grantText(g) + ". An approver decides."))}
	return modal(ModalExtend, "Ask for more time", "Ask", idValue(g.Grant.ID), append(blocks, durationInputs("How much longer", "", form, offer)...)...)
}

// ReadGrant reads a grant modal, or the duration of an extend modal; metadata is its private_metadata.
func ReadGrant(state *slack.ViewState, metadata string) GrantForm {
	form := GrantForm{
		Person: access.UserID(entered(state, BlockPerson)), Duration: entered(state, BlockDuration), Servers: chosenServers(state),
		SystemUser: entered(state, BlockSystemUser), Reason: entered(state, BlockReason), Channel: metadata,
	}
	if form.Duration == otherDuration {
		form.Duration, form.Other = entered(state, BlockOther), true
	}
	if channel := entered(state, BlockChannel); namedChannel.MatchString(channel) {
		form.Channel = channel
	}
	return form
}

// BlockOfDuration returns the block of the field that the duration stands in.
func (f GrantForm) BlockOfDuration() string {
	if f.Other {
		return BlockOther
	}
	return BlockDuration
}

// Pattern returns the servers as a request has them: empty for every server.
func (f GrantForm) Pattern() string {
	if slices.Contains(strings.Split(f.Servers, ","), EveryServer) {
		return ""
	}
	return f.Servers
}

// usualDurations are in the menu besides what the person has asked for.
var usualDurations = []time.Duration{ //nolint:gochecknoglobals // a constant
	30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 30 * 24 * time.Hour,
}

// lastDurations is how many durations of before come first.
const lastDurations = 3

// durationInputs are the menu of durations and, if another one is wanted, the field for it.
func durationInputs(label, hint string, form GrantForm, offer GrantOffer) []slack.Block {
	typed := durationsOffered(offer)
	if d, err := duration.Parse(form.Duration); err == nil && !form.Other && offer.Limits.Check(d, false) == nil && !slices.Contains(typed, TypedDuration(d)) {
		typed = append([]string{TypedDuration(d)}, typed...)
	}
	chosen := slices.Index(typed, form.Duration)
	var options []*slack.OptionBlockObject
	for _, text := range typed {
		shown := text
		if text == TypedDuration(0) {
			shown = upper(durationText(0))
		}
		options = append(options, option(shown, text))
	}
	options = append(options, option("Other…", otherDuration))
	menu := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Choose"), ActionDuration, options...)
	switch {
	case form.Other:
		menu.InitialOption = options[len(typed)]
	case chosen >= 0:
		menu.InitialOption = options[chosen]
	case len(offer.Durations) > 0:
		menu.InitialOption = options[0]
	}
	blocks := []slack.Block{input(BlockDuration, label, hint, menu).WithDispatchAction(true)}
	if form.Other {
		blocks = append(blocks, input(BlockOther, "Other duration", "Like 45m, 6h, 10d or 1d12h; "+durationRange(offer.Limits)+".", textInput("6h", form.Duration, lineMax)))
	}
	return blocks
}

// durationsOffered returns the durations of the menu as people type them: first the last ones that the person
// asked for, then the usual ones, as far as they are allowed.
func durationsOffered(offer GrantOffer) (typed []string) {
	all := slices.Concat(offer.Durations[:min(len(offer.Durations), lastDurations)], usualDurations)
	if offer.Limits.Forever {
		all = append(all, 0)
	}
	for _, d := range all {
		if text := TypedDuration(d); offer.Limits.Check(d, d == 0) == nil && !slices.Contains(typed, text) {
			typed = append(typed, text)
		}
	}
	return typed
}

// serversMenu is a menu that is searched; what it holds first are the parts of a pattern.
func serversMenu(pattern string) *slack.MultiSelectBlockElement {
	menu := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeExternal, plain("web-*, tag:shop"), actionValue)
	none := 0
	menu.MinQueryLength = &none // every server is to be seen before anything is typed
	var chosen []*slack.OptionBlockObject
	for part := range strings.SplitSeq(pattern, ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
		case part == EveryServer:
			chosen = append(chosen, option("Every server", part))
		case utf8.RuneCountInString(part) > optionMax || plainText(part, optionMax) == "":
			return menu // all of it, or nothing
		default:
			chosen = append(chosen, option(part, part))
		}
	}
	if len(chosen) > 0 {
		menu.InitialOptions = chosen
	}
	return menu
}

// optionMax is how many characters the value of a menu's option may have.
const optionMax = 150

// ServerOptions is the acknowledgement with what is offered for what was typed into the menu of servers. It stays
// below what Slack takes.
func ServerOptions(choices []workflow.ServerChoice) map[string]any {
	options := make([]*slack.OptionBlockObject, len(choices))
	for i, c := range choices {
		options[i] = serverOption(c)
	}
	for len(options) > 0 {
		if raw, err := json.Marshal(options); err == nil && len(raw) < optionsMax {
			break
		}
		options = options[:len(options)-1]
	}
	return map[string]any{"options": options}
}

// optionsMax is how many bytes of options are offered: Slack drops an acknowledgement of 20 KB.
const optionsMax = 15 << 10

func serverOption(c workflow.ServerChoice) *slack.OptionBlockObject {
	switch {
	case c.Pattern == "":
		return option(fmt.Sprintf("Every server (%s)", grouped(c.Servers)), EveryServer)
	case c.Every != "":
		return option(fmt.Sprintf("Every server of %s (%s)", c.Every, grouped(c.Servers)), c.Pattern)
	case c.Server != nil && c.Server.Alone:
		return option(c.Server.Name+", an account", c.Pattern)
	case c.Server != nil:
		return option(c.Server.Name+" #"+c.Server.ExternalID, c.Pattern)
	}
	return option(fmt.Sprintf("%s (%s)", plainText(c.Pattern, 50), servers(c.Servers)), c.Pattern)
}

// chosenServers returns what is chosen of the menu of servers as one pattern.
func chosenServers(state *slack.ViewState) string {
	if state == nil {
		return ""
	}
	chosen := state.Values[BlockServers][actionValue]
	parts := []string{chosen.Value} // typed into the field of an older version's form
	for _, o := range chosen.SelectedOptions {
		parts = append(parts, o.Value)
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ",")
}

func channelMenu() *slack.SelectBlockElement {
	menu := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, plain("Choose a channel"), actionValue)
	menu.DefaultToCurrentConversation = true
	menu.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private"}, ExcludeExternalSharedChannels: true}
	return menu
}

func option(text, value string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(value, plain(plainText(text, 75)), nil)
}
