package play

import (
	"encoding/json"
	"html/template"
	"strings"
)

// parts are the templates of what changes on the page.
var parts = template.Must(template.New("parts").Funcs(template.FuncMap{
	"json": func(v any) (string, error) {
		text, err := json.Marshal(v)
		return string(text), err
	},
	"sizes": func() []int { return []int{3, 40, 500} },
	"plural": func(n int, one, many string) string {
		if n == 1 {
			return one
		}
		return many
	},
}).ParseFS(web, "web/parts.html"))

func render(name string, data any) (template.HTML, error) {
	var out strings.Builder
	err := parts.ExecuteTemplate(&out, name, data)
	return template.HTML(strings.TrimSpace(out.String())), err //nolint:gosec // the template has escaped what it was given
}
