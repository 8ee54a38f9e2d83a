package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"sshkeybot/bot/slackapi"
)

// Message is what Slack is sent.
type Message = slackapi.Message

// Plain returns the text that stands for a message whose form Slack refuses.
func Plain(m Message) string {
	const why = "(Slack takes only the text of this message. Buttons that belong to it are in my Home tab.)"
	text, _, _ := strings.Cut(m.Text, choicesMark)
	return cutLines(strings.Split(text, "\n"), textLimit-len(why)) + "\n" + why
}

// Digest names what a message shows: the same for equal content, whatever the block ids, and never empty.
func Digest(m Message) string {
	raw, err := json.Marshal(m.Blocks)
	if err != nil {
		return "unreadable" // our own blocks always marshal
	}
	var blocks any
	if json.Unmarshal(raw, &blocks) != nil {
		return "unreadable"
	}
	raw, err = json.Marshal([]any{m.Text, withoutIDs(blocks)})
	if err != nil {
		return "unreadable"
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// withoutIDs drops every block_id, which Slack wants changed on every update.
func withoutIDs(value any) any {
	switch v := value.(type) {
	case map[string]any:
		delete(v, "block_id")
		for key := range v {
			v[key] = withoutIDs(v[key])
		}
	case []any:
		for i := range v {
			v[i] = withoutIDs(v[i])
		}
	}
	return value
}
