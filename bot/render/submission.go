package render

import (
	"strconv"

	"github.com/slack-go/slack"
)

// RegisterForm is what the register modal holds, as typed.
type RegisterForm struct {
	Key  string
	Note string
}

// EditForm is what the edit modal holds, as typed.
type EditForm struct {
	Duration string
	Servers  string
}

// ReadRegister reads a submitted register modal.
func ReadRegister(state *slack.ViewState) RegisterForm {
	return RegisterForm{Key: entered(state, BlockKey), Note: entered(state, BlockNote)}
}

// ReadDeny reads the reason of a submitted deny modal.
func ReadDeny(state *slack.ViewState) string { return entered(state, BlockReason) }

// ReadEdit reads a submitted edit modal.
func ReadEdit(state *slack.ViewState) EditForm {
	return EditForm{Duration: entered(state, BlockDuration), Servers: entered(state, BlockServers)}
}

// ReadID reads the request or grant that a modal is about from its private_metadata; 0 when there is none.
func ReadID(metadata string) int64 {
	id, err := strconv.ParseInt(metadata, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// entered returns what was entered into a block's one input, of whatever kind; empty when
// nothing was.
func entered(state *slack.ViewState, block string) string {
	if state == nil {
		return ""
	}
	for _, a := range state.Values[block] {
		switch {
		case a.SelectedUser != "":
			return a.SelectedUser
		case a.SelectedConversation != "":
			return a.SelectedConversation
		case a.SelectedOption.Value != "":
			return a.SelectedOption.Value
		}
		return a.Value
	}
	return ""
}
