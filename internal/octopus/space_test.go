package octopus

import (
	"testing"
)

func TestSpace(t *testing.T) {
	t.Parallel()
	const search = "GET /api/spaces?partialName=Default&skip=0&take=100"
	def, other := `{"Id":"Spaces-1","Name":"Default","IsDefault":true}`, `{"Id":"Spaces-2","Name":"Default 2"}`
	for name, tt := range map[string]struct {
		exchanges []exchange
		ask       string
		found     int
	}{
		"by name": {[]exchange{{call: search, answer: pageOf(other, def)}}, "Default", 1},
		"a part":  {[]exchange{{call: search, answer: pageOf(other)}}, "Default", 0},
		"twice":   {[]exchange{{call: search, answer: pageOf(def, `{"Id":"Spaces-3","Name":"Default"}`)}}, "Default", 2},
		"by id":   {[]exchange{{call: "GET /api/spaces/Spaces-1", answer: def}}, "Spaces-1", 1},
		"like an id": {[]exchange{
			{call: "GET /api/spaces/team-a", status: 404, answer: `{}`},
			{call: "GET /api/spaces?partialName=team-a&skip=0&take=100", answer: pageOf(`{"Id":"Spaces-1","Name":"team-a"}`)},
		}, "team-a", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			space, err := exchanging(t, tt.exchanges...).Space(t.Context(), tt.ask)
			if (err == nil) != (tt.found == 1) || IsNotFound(err) != (tt.found == 0) || IsAmbiguous(err) != (tt.found == 2) {
				t.Fatal(err)
			}
			if err == nil && space.ID != "Spaces-1" {
				t.Errorf("found %v", space)
			}
		})
	}
	c := exchanging(t, exchange{call: "GET /api/spaces/Spaces-1", answer: other})
	if _, err := c.Space(t.Context(), "Spaces-1"); err == nil {
		t.Error("another space is taken for it")
	}
}
