package slacksim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxBody bounds every request that is read into memory.
const maxBody = 8 << 20

// args are the arguments of one call, from a form or a JSON body.
type args map[string]any

func readArgs(r *http.Request) (args, error) {
	a := args{}
	a.add(r.URL.Query())
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if len(body) > 0 && json.Unmarshal(body, &a) != nil {
			return nil, refuse("invalid_json")
		}
		return a, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse("invalid_form_data")
	}
	a.add(form)
	return a, nil
}

func (a args) add(values url.Values) {
	for k := range values {
		a[k] = values.Get(k)
	}
}

func (a args) str(key string) string {
	if a[key] == nil {
		return ""
	}
	return fmt.Sprint(a[key])
}

func (a args) number(key string, otherwise int) int {
	n, err := strconv.Atoi(a.str(key))
	if err != nil {
		return otherwise
	}
	return n
}

// raw returns a structured argument as JSON. A form carries it as a JSON string.
func (a args) raw(key string) []byte {
	if s, isText := a[key].(string); isText {
		return []byte(s)
	}
	raw, err := json.Marshal(a[key])
	if err != nil {
		return nil
	}
	return raw
}
