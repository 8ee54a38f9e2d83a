package runcloudsim

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// answer is a response before it is written.
type answer struct {
	status int
	header map[string]string
	body   []byte
	drop   bool // no answer: the connection ends
	broken bool // the connection ends in the middle of the body
}

func jsonAnswer(status int, v any) answer {
	var b bytes.Buffer
	// Only the package's own structs and strings come here: they always encode.
	_ = json.NewEncoder(&b).Encode(v)
	return answer{status: status, header: map[string]string{"Content-Type": "application/json"}, body: bytes.TrimSpace(b.Bytes())}
}

func message(status int, text string) answer { return jsonAnswer(status, errorJSON{Message: text}) }

func notFound() answer { return message(http.StatusNotFound, "Resources not found.") }

func tooMany(retryAfter time.Duration) answer {
	ans := message(http.StatusTooManyRequests, "Too Many Attempts.")
	if retryAfter > 0 {
		ans.header["Retry-After"] = strconv.Itoa(int(math.Ceil(retryAfter.Seconds())))
	}
	return ans
}

func html(status int) answer {
	ans := answer{status: status, header: map[string]string{"Content-Type": "text/html; charset=UTF-8"}}
	ans.body = []byte("<!DOCTYPE html>\n<html><head><title>" + http.StatusText(status) + "</title></head><body><h1>" +
		http.StatusText(status) + "</h1></body></html>\n")
	if status >= 300 && status < 400 {
		// On this host, so that a client that wrongly follows it finds HTML with 200, not the real site.
		ans.header["Location"] = "/login"
	}
	return ans
}

// invalid refuses a request as a Laravel application does: a caller that did not ask for JSON is sent
// back to a form.
func invalid(problems map[string][]string, wantsJSON bool) answer {
	if !wantsJSON {
		return html(http.StatusFound)
	}
	return jsonAnswer(http.StatusUnprocessableEntity, errorJSON{"The given data was invalid.", problems})
}

func (ans answer) write(w http.ResponseWriter, extra map[string]string) {
	if ans.drop {
		panic(http.ErrAbortHandler)
	}
	for _, h := range []map[string]string{extra, ans.header} {
		for name, value := range h {
			w.Header().Set(name, value)
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(ans.body)))
	w.WriteHeader(ans.status)
	if ans.broken {
		_, _ = w.Write(ans.body[:len(ans.body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(ans.body)
}
