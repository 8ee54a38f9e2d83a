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
	addValues(a, r.URL.Query())
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
	addValues(a, form)
	return a, nil
}

func addValues(a args, values url.Values) {
	for k := range values {
		a[k] = values.Get(k)
	}
}

func (a args) has(key string) bool { return a[key] != nil }

func (a args) str(key string) string {
	switch v := a[key].(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

func (a args) flag(key string) bool {
	s := a.str(key)
	return s == "true" || s == "1"
}

func (a args) number(key string, otherwise int) int {
	n, err := strconv.Atoi(a.str(key))
	if err != nil {
		return otherwise
	}
	return n
}

// decode reads a structured argument, which a form carries as a JSON string.
func (a args) decode(key string, into any) error {
	raw, isText := a[key].(string)
	if !isText {
		b, err := json.Marshal(a[key])
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		raw = string(b)
	}
	if err := json.Unmarshal([]byte(raw), into); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}
