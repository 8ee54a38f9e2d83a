package scalingo

import (
	"encoding/json"
	"maps"
	"slices"
)

// Bounds of what an error may hold of a body: runes of a text and of a name, fields, texts of a field.
const (
	maxText   = 300
	maxName   = 60
	maxFields = 10
	maxTexts  = 5
)

// errorBody reads `error`, a text, and `errors`, texts by field (Scalingo's API manual, errors). Any other
// form, and any other member, is passed over.
func errorBody(body []byte, clean cleaner) (string, map[string][]string) {
	var raw struct {
		Error  any `json:"error"`
		Errors any `json:"errors"`
	}
	if json.Unmarshal(body, &raw) != nil {
		return "", nil
	}
	message, _ := raw.Error.(string)
	return clean.text(message), fields(raw.Errors, clean)
}

func fields(raw any, clean cleaner) map[string][]string {
	named, _ := raw.(map[string]any)
	var out map[string][]string
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if said := texts(named[name], clean); len(said) > 0 && len(out) < maxFields {
			if out == nil {
				out = map[string][]string{}
			}
			out[short(clean.text(name), maxName)] = said
		}
	}
	return out
}

// texts returns the texts of a field, of which there may be one or a list.
func texts(raw any, clean cleaner) []string {
	list, ok := raw.([]any)
	if !ok {
		list = []any{raw}
	}
	var out []string
	for _, item := range list {
		if text, ok := item.(string); ok && clean.text(text) != "" && len(out) < maxTexts {
			out = append(out, clean.text(text))
		}
	}
	return out
}
