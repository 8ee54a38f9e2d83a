package workflow_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
)

func TestServersAreOfferedByWhatIsTyped(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 3)
	h.Account.Names[2] = "shop, old"
	h.Account.Tags = map[int64][]string{1: {"Shop", "eu"}, 3: {"shop"}}
	known, err := h.Engine.Servers(h.Ctx(), 0, "")
	h.Must(err)
	for typed, want := range map[string][]string{
		"":           {" 3", "#2 1", "web-01 1", "web-03 1"},
		"web":        {"*web* 2", "web-01 1", "web-03 1"},
		"WEB-0?":     {"WEB-0? 2"},
		"web-01":     {"web-01 1"},
		"#3":         {"#3 1", "web-03 1"},
		"shop":       {"*shop* 1", "tag:shop 2", "#2 1"},
		"tag:":       {"tag:eu 1", "tag:shop 2"},
		"web-01,#3":  {"web-01,#3 2"},
		"nothing":    nil,
		"*":          {"* 3"},
		"'; DROP x ": nil,
	} {
		choices, err := h.ServerChoices(h.Ctx(), alice, typed)
		h.Must(err)
		var got []string
		for _, c := range choices {
			got = append(got, fmt.Sprintf("%s %d", c.Pattern, c.Servers))
			if found, err := access.MatchServers(known.All, c.Pattern); err != nil || len(found) != c.Servers {
				t.Errorf("%q names %d servers, %v", c.Pattern, len(found), err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", typed, diff)
		}
	}
}

// With several accounts, each is offered as a whole, and nothing means all of them by itself.
func TestServersOfSeveralAccountsAreOffered(t *testing.T) {
	t.Parallel()
	h, _ := several(t)
	known, err := h.Engine.Servers(h.Ctx(), time.Hour, "")
	h.Must(err)
	every := []string{"account/* 2 of account", "client/* 3 of client", "account/*,client/* 5 of "}
	for typed, want := range map[string][]string{
		"":              append(slices.Clone(every), "account/web-01 1 of ", "account/web-02 1 of ", "client/#3 1 of ", "client/web-01 1 of ", "client/web-02 1 of "),
		"*":             every,
		"web-01":        {"web-01 2 of ", "account/web-01 1 of ", "client/web-01 1 of "},
		"client":        {"client/* 3 of client", "client/#3 1 of ", "client/web-01 1 of ", "client/web-02 1 of "},
		"client/":       {"client/* 3 of client", "client/#3 1 of ", "client/web-01 1 of ", "client/web-02 1 of "},
		"client/*":      {"client/* 3 of "},
		"client/web-01": {"client/web-01 1 of "},
		"#1":            {"account/web-01 1 of ", "client/web-01 1 of "},
	} {
		choices, err := h.ServerChoices(h.Ctx(), alice, typed)
		h.Must(err)
		var got []string
		for _, c := range choices {
			got = append(got, fmt.Sprintf("%s %d of %s", c.Pattern, c.Servers, c.Every))
			if found, err := access.MatchServers(known.All, c.Pattern); err != nil || len(found) != c.Servers {
				t.Errorf("%q names %d servers, %v", c.Pattern, len(found), err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", typed, diff)
		}
	}
}

func TestServersAreOfferedToWhoMayAsk(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 60)
	_, err := h.Engine.Servers(h.Ctx(), 0, "")
	h.Must(err)
	if all, err := h.ServerChoices(h.Ctx(), alice, "web"); err != nil || len(all) != 40 {
		t.Errorf("%d choices, %v", len(all), err)
	}
	h.People.Set(carol, access.Guest)
	_, err = h.ServerChoices(h.Ctx(), carol, "web")
	refuses(t, err, access.Forbidden, "members")
	h.MustOffboard(alice)
	h.Unchanged(t, func() {
		_, err = h.ServerChoices(h.Ctx(), alice, "web")
		refuses(t, err, access.Forbidden, "members")
	})
}

func TestLastDurationsComeFirst(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	h.MustRegister(alice, "alice laptop")
	for i, d := range []time.Duration{time.Hour, 2 * time.Hour, time.Hour} {
		h.Ask(alice, d, "")
		h.Clock.Advance(time.Duration(i+1) * 10 * time.Minute)
	}
	last, err := h.LastDurations(h.Ctx(), alice)
	h.Must(err)
	if diff := cmp.Diff([]time.Duration{time.Hour, 2 * time.Hour}, last); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// An account is offered while it is lent, and by no pattern.
func TestAccountIsOfferedWhileItIsLent(t *testing.T) {
	t.Parallel()
	h := newHarness(t, 1)
	l := withLender(h)
	_, err := h.Engine.Servers(h.Ctx(), 0, "")
	h.Must(err)
	for _, refuses := range []bool{false, true} {
		l.Refuses = refuses
		choices, err := h.ServerChoices(h.Ctx(), alice, "va")
		h.Must(err)
		if offered := len(choices) == 1 && choices[0].Pattern == "vault" && choices[0].Server.Alone; offered == refuses || len(choices) > 1 {
			t.Errorf("refused %v: %+v", refuses, choices)
		}
	}
}
