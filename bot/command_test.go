package bot

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

const someKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

func TestReadCommand(t *testing.T) {
	t.Parallel()
	key, err := sshkey.Parse(someKey)
	if err != nil {
		t.Fatal(err)
	}
	noted := key
	noted.Comment = "my key for work"
	for text, want := range map[string]command{
		"":     {Verb: "help"},
		"HELP": {Verb: "help"},
		"grant <@U1> 12h on web-*,#12 as deploy for the disk": {
			Verb: "grant", Person: "U1", Duration: 12 * time.Hour, Servers: "web-*,#12", SystemUser: "deploy", Reason: "the disk"},
		"grant <@U1> 12h as deploy on web-1, web-2 ,db": {
			Verb: "grant", Person: "U1", Duration: 12 * time.Hour, Servers: "web-1,web-2,db", SystemUser: "deploy"},
		"grant 1d12h <@W1|x>":                {Verb: "grant", Person: "W1", Duration: 36 * time.Hour},
		"grant <@U1> forever for ever":       {Verb: "grant", Person: "U1", Forever: true, Reason: "ever"},
		"grant":                              {Verb: "grant", Incomplete: true},
		"grant <@U1> on web":                 {Verb: "grant", Person: "U1", Servers: "web", Incomplete: true},
		"grant 2h":                           {Verb: "grant", Duration: 2 * time.Hour, Incomplete: true},
		"extend <@U1> 2h":                    {Verb: "extend", Person: "U1", Duration: 2 * time.Hour},
		"done":                               {Verb: "done"},
		"extend me 2 hours":                  {Verb: "extend", Person: "me", Duration: 2 * time.Hour},
		"grant 90 min Me on web":             {Verb: "grant", Person: "me", Duration: 90 * time.Minute, Servers: "web"},
		"grant <@U1> 1 day 12 hours as root": {Verb: "grant", Person: "U1", Duration: 36 * time.Hour, SystemUser: "root"},
		"grant me 1d 12h for 2 hours":        {Verb: "grant", Person: "me", Duration: 36 * time.Hour, Reason: "2 hours"},
		"list me":                            {Verb: "list", Person: "me"},
		"revoke me on web":                   {Verb: "revoke", Person: "me", Servers: "web"},
		"offboard me":                        {Verb: "offboard", Person: "me"},
		"revoke <@U1> on tag:old for cause":  {Verb: "revoke", Person: "U1", Servers: "tag:old", Reason: "cause"},
		"revoke SHA256:abc":                  {Verb: "revoke", Fingerprint: "SHA256:abc"},
		"revoke " + someKey + " on web":      {Verb: "revoke", Key: &key, Servers: "web"},
		"offboard <@U1> for leaving":         {Verb: "offboard", Person: "U1", Reason: "leaving"},
		"list":                               {Verb: "list"},
		"list <@U1>":                         {Verb: "list", Person: "U1"},
		"servers web-*, db":                  {Verb: "servers", Servers: "web-*,db"},
		"log":                                {Verb: "log"},
		"log <@U1|bob>":                      {Verb: "log", Person: "U1"},
		"log me":                             {Verb: "log", Person: "me"},
		"log #12":                            {Verb: "log", Request: 12},
		"LOG 12":                             {Verb: "log", Request: 12},
		"register":                           {Verb: "register", Incomplete: true},
		"register " + someKey + " my key for work": {Verb: "register", Key: &noted},
		`grant <@U1> 1h on "on"`:                   {Verb: "grant", Person: "U1", Duration: time.Hour, Servers: "on"},
	} {
		got, err := parseCommand(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
	}
}

func TestMeIsWhoTypesIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]access.UserID{"list me": "U7", "keys ME": "U7", "list <@U1>": "U1", "list": ""} {
		if c, err := parseFor(interaction{Person: "U7", Text: text}); err != nil || c.Person != want {
			t.Errorf("%q is about %q, %v", text, c.Person, err)
		}
	}
}

func TestRefusedCommands(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"grnat <@U1> 1h":            "`/sshkey grant`",
		"frobnicate":                "I do not know that command",
		"rotate":                    "An account is needed",
		"rotate x as a as b":        "only once",
		"rotate x for fun":          "no reason",
		"grant @alice 12h":          "pick the person from the list",
		"grant <!subteam^S1|@x> 1h": "group",
		"grant <@U1> <@U2> 1h":      "one person",
		"grant <@U1> 1h 2h":         "one duration",
		"grant me 2 hours 2 hours":  "one duration",
		"grant me <@U1> 2h":         "one person",
		"grant \"me\" 2h":           "do not understand",
		"grant me 2 on web":         "unit is missing",
		"grant me 2 months":         "unit is missing",
		"grant <@U1> -1h":           "/sshkey grant @user DURATION",
		"grant <@U1> 12x":           "/sshkey grant @user DURATION",
		"grant <@U1> 0h":            "/sshkey grant @user DURATION",
		"grant <@U1> 1h on":         "`on`",
		"grant <@U1> 1h on a on b":  "only once",
		"grant <@U1> 1h on a b":     "double quotes",
		"grant <@U1> 1h please":     "do not understand",
		"extend <@U1>":              "duration",
		"extend <@U1> forever":      "duration",
		"done <@U1>":                "Nothing is expected",
		"revoke":                    "fingerprint",
		"offboard":                  "/sshkey offboard @user",
		"offboard bob":              "/sshkey offboard @user",
		"list a b":                  "one person",
		"pending x":                 "Nothing is expected",
		"log #12 <@U1>":             "one person or one request",
		"log 12 for fun":            "one person or one request",
		"log @bob":                  "pick the person from the list",
		"log U1":                    "/sshkey log [@user|REQUEST]",
		"log #0":                    "number of a request",
	} {
		_, err := parseCommand(text)
		if access.CodeOf(err) != access.Invalid || !strings.Contains(access.MessageOf(err), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"grant <@U1> 1h on hunter2 hunter3": "I do not understand `…`",
		"keys hunter2":                      "I do not understand `…`",
	} {
		if _, err := parseCommand(text); !strings.Contains(err.Error(), want) {
			t.Errorf("%q is logged as %v", text, err)
		}
	}
	for text, want := range map[string]sshkey.Reason{
		"register -----BEGIN OPENSSH PRIVATE KEY-----": sshkey.PrivateKey,
		"register ssh-ed25519 AAAA":                    sshkey.Damaged,
		"revoke ssh-ed25519 AAAA":                      sshkey.Damaged,
	} {
		_, err := parseCommand(text)
		if got := reasonOf(err); got != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestStrangeWordIsNamedToWhoTypedIt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"grant <@U1> 1h please":          "`please`",
		"grant <@U1> 1h on a <!channel>": "`!channel`",
		"servers a b":                    "`b`",
		"offboard *bob*":                 "`*bob*`",
	} {
		_, err := parseCommand(text)
		if got := refusal(err).Text; !strings.Contains(got, "I do not understand "+want) {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// The log repeats nothing of what was typed: it could be a secret.
func FuzzReadCommand(f *testing.F) {
	f.Add("grant <@U1> 12h on x for y")
	f.Add("revoke zqzqzq zqzqzq")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := parseCommand(text + " zqzqzq")
		if err != nil && strings.Contains(err.Error(), "zqzqzq") {
			t.Errorf("%q is repeated: %v", text, err)
		}
	})
}
