package render

import (
	"strconv"

	"github.com/slack-go/slack"

	"sshkeybot/internal/access"
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

// ReadGrant reads a submitted grant modal; metadata is its private_metadata.
func ReadGrant(state *slack.ViewState, metadata string) GrantForm {
	return GrantForm{
		Person: access.UserID(entered(state, BlockPerson)), Duration: entered(state, BlockDuration), Servers: entered(state, BlockServers),
		SystemUser: entered(state, BlockSystemUser), Reason: entered(state, BlockReason), Channel: metadata,
	}
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

// ReadExtend reads the duration of a submitted extend modal.
func ReadExtend(state *slack.ViewState) string { return entered(state, BlockDuration) }

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
	a := state.Values[block][actionValue]
	switch {
	case a.SelectedUser != "":
		return a.SelectedUser
	case a.SelectedOption.Value != "":
		return a.SelectedOption.Value
	}
	return a.Value
}
