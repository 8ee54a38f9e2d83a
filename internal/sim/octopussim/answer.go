package octopussim

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
	// Only maps, structs and texts of the package's own making come here: they always encode.
	_ = json.NewEncoder(&b).Encode(v)
	return answer{status: status, header: map[string]string{"Content-Type": "application/json"}, body: bytes.TrimSpace(b.Bytes())}
}

func found(v any) answer { return jsonAnswer(http.StatusOK, v) }

type errorJSON struct {
	ErrorMessage  string
	Errors        []string `json:",omitempty"`
	FullException string   `json:",omitempty"`
}

func refuse(status int, text string) answer {
	return jsonAnswer(status, errorJSON{ErrorMessage: text})
}

func invalid(problems []string) answer {
	return jsonAnswer(http.StatusBadRequest, errorJSON{ErrorMessage: "There was a problem with your request.", Errors: problems})
}

func notFound(id string) answer {
	return refuse(http.StatusNotFound, "The resource '"+id+"' was not found.")
}

// crashed is what a failure inside the server looks like.
func crashed(status int, text string) answer {
	return jsonAnswer(status, errorJSON{ErrorMessage: text, FullException: "System.Exception: secret inside\r\n   at Octopus.Server.Web"})
}

func tooMany(retryAfter time.Duration) answer {
	ans := refuse(http.StatusTooManyRequests, "Too many requests.")
	if retryAfter > 0 {
		ans.header["Retry-After"] = strconv.Itoa(int(math.Ceil(retryAfter.Seconds())))
	}
	return ans
}

// html is a page of something before the server, or of the server in maintenance.
func html(status int) answer {
	page := "<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body><h1>Octopus is being upgraded</h1></body></html>\n"
	return answer{status: status, header: map[string]string{"Content-Type": "text/html"}, body: []byte(page)}
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
