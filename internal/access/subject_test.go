package access_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
)

func TestParseSubject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]access.Subject{
		"12": "#12", "#12": "#12", "U0ALICE": "U0ALICE", "@W12": "W12",
		"": "", "#": "", "#0": "", "012": "", "-1": "", "##1": "", "1 2": "", "9999999999999999999": "",
		"alice": "", "@alice": "", "U": "", "u0alice": "", "S0OPS": "", "<@U1>": "",
	} {
		got, ok := access.ParseSubject(text)
		if got != want || ok != (want != "") {
			t.Errorf("ParseSubject(%q) = %q, %v, want %q", text, got, ok, want)
		}
	}
}

func TestSubjects(t *testing.T) {
	t.Parallel()
	e := access.Event{Actor: "U3", About: access.AboutAll(access.AboutRequest(12), access.AboutPerson("U2"), "", "U3", access.AboutRequest(0), "#12")}
	if e.About != "#12 U2 U3" {
		t.Errorf("About = %q", e.About)
	}
	if diff := cmp.Diff([]access.Subject{"#12", "U2", "U3"}, e.Subjects()); diff != "" {
		t.Errorf("Subjects (-want +got):\n%s", diff)
	}
	if s := access.Subject("#12"); s.Request() != 12 || s.Person() != "" {
		t.Errorf("%q is %d, %q", s, s.Request(), s.Person())
	}
	if s := access.Subject("U2"); s.Request() != 0 || s.Person() != "U2" {
		t.Errorf("%q is %d, %q", s, s.Request(), s.Person())
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	head := access.Event{}.Seal(access.Event{Seq: 41}).Head()
	for _, h := range []access.Head{head, {}} {
		got, ok := access.ParseHead(h.String())
		if !ok || got != h {
			t.Errorf("ParseHead(%q) = %v, %v", h, got, ok)
		}
	}
	for _, text := range []string{"", ":", "42", "42:", "42:abc", "042:" + head.Hash, "0:" + head.Hash, head.String() + " ", "-1:" + head.Hash} {
		if h, ok := access.ParseHead(text); ok {
			t.Errorf("ParseHead(%q) = %v", text, h)
		}
	}
}

func TestDetailsOfKeysAreReadBack(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]access.Keys{
		"SHA256:a for web on places 1-3,5,9":                                    {Key: "SHA256:a", SystemUser: "web", Servers: []int64{1, 2, 3, 5, 9}, Count: 5},
		"SHA256:a for  on places 7":                                             {Key: "SHA256:a", Servers: []int64{7}, Count: 1}, // of an account
		"SHA256:a for web on places 1-3,5,9-10":                                 {Key: "SHA256:a", SystemUser: "web", Count: 6},
		"SHA256:a for web on places 1-2000000000":                               {Key: "SHA256:a", SystemUser: "web", Count: 2_000_000_000},
		"credential 4711 for root on places 8: the server has left the account": {Key: "credential 4711", SystemUser: "root", Servers: []int64{8}, Count: 1, Rest: "the server has left the account"},
		"SHA256:a no longer on servers [7 4]":                                   {Key: "SHA256:a", Servers: []int64{4, 7}, Count: 2},
		"credential 4711 on server 8, chosen by a person":                       {Key: "credential 4711", Servers: []int64{8}, Count: 1, Rest: "chosen by a person"},
		"credential 4711 on server 8: sshkeybot bob":                            {Key: "credential 4711", Servers: []int64{8}, Count: 1, Rest: "sshkeybot bob"},
		"": {}, "the other 3": {}, "SHA256:a for web on places 5-1": {Key: "SHA256:a", SystemUser: "web"}, "SHA256:a for web on places 99999999999": {Key: "SHA256:a", SystemUser: "web"},
	} {
		got, ok := access.Event{Detail: detail}.Keys(5)
		if diff := cmp.Diff(want, got); diff != "" || ok != (want.Count > 0) {
			t.Errorf("%q: %v (-want +got):\n%s", detail, ok, diff)
		}
	}
}
