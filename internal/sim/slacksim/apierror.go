package slacksim

import "maps"

// apiError is an answer with ok:false.
type apiError struct {
	code     string
	messages []string       // response_metadata.messages
	extra    map[string]any // further top-level fields
}

func (e *apiError) Error() string { return e.code }

func refuse(code string, messages ...string) *apiError {
	return &apiError{code: code, messages: messages}
}

func (e *apiError) body() map[string]any {
	body := map[string]any{"ok": false, "error": e.code}
	if len(e.messages) > 0 {
		lines := make([]string, len(e.messages))
		for i, m := range e.messages {
			lines[i] = "[ERROR] " + m
		}
		body["response_metadata"] = map[string]any{"messages": lines}
	}
	maps.Copy(body, e.extra)
	return body
}
