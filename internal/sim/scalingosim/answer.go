package scalingosim

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// answer is a response before it is written.
type answer struct {
	status int
	kind   string // of the body
	body   []byte
	drop   bool // no answer: the connection ends
	cut    bool // the connection ends in the middle of the body
}

// outcome is the result of applying a call.
type outcome struct {
	answer  answer
	applied bool // a key or token was added or removed
}

func unchanged(ans answer) outcome { return outcome{answer: ans} }

func jsonAnswer(status int, v any) answer {
	// Only the package's own structs, maps and strings come here: they always encode.
	body, _ := json.Marshal(v)
	return answer{status: status, kind: "application/json; charset=utf-8", body: body}
}

func refusal(status int, text string) answer {
	return jsonAnswer(status, map[string]string{"error": text})
}

// tooMany returns the answer to a call beyond the limit, which does not say how long to wait.
func tooMany() answer {
	return answer{status: http.StatusTooManyRequests, kind: "text/plain", body: []byte("Retry later\n")}
}

// html returns a web page, which is what an unknown key or token is answered with.
func html(status int) answer {
	page := "<!DOCTYPE html>\n<html><head><title>" + http.StatusText(status) + "</title></head><body></body></html>\n"
	return answer{status: status, kind: "text/html; charset=utf-8", body: []byte(page)}
}

// withPages returns a list that says that it is the first of two pages.
func (ans answer) withPages() answer {
	members := ans.members()
	members["meta"] = map[string]any{"pagination": map[string]int{"current_page": 1, "next_page": 2, "total_pages": 2}}
	return jsonAnswer(ans.status, members)
}

// withoutRows returns a list with null in place of its rows.
func (ans answer) withoutRows() answer {
	members := ans.members()
	for name := range members {
		members[name] = nil
	}
	return jsonAnswer(ans.status, members)
}

func (ans answer) members() map[string]any {
	members := map[string]any{}
	_ = json.Unmarshal(ans.body, &members)
	return members
}

// half returns the answer with the first half of its body, as if that were all.
func (ans answer) half() answer {
	ans.body = ans.body[:len(ans.body)/2]
	return ans
}

func (a *Account) write(w http.ResponseWriter, ans answer) {
	if ans.drop {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Date", a.now().UTC().Format(http.TimeFormat))
	if ans.kind != "" {
		w.Header().Set("Content-Type", ans.kind)
	}
	if ans.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(ans.body)))
	}
	w.WriteHeader(ans.status)
	if ans.cut {
		_, _ = w.Write(ans.half().body)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(ans.body)
}
