package scalingo_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/scalingo"
	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/scalingosim"
	target "sshkeybot/internal/target/scalingo"
	"sshkeybot/internal/target/targettest"
)

// tail ends what Scalingo says at such length that nobody is to read all of it.
const tail = "the end of a long answer"

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]scalingosim.Rules{
		"likely rules": {},
		"other rules": {
			MongoIDs: true, OpaqueJWTs: true, LastUsed: scalingosim.LastUsedNever, TakenField: "fingerprint", TakenText: "exists",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			targettest.Run(t, func(t *testing.T) *targettest.Bench { return open(t, rules) })
		})
	}
}

// open opens a bench whose target knows its account already, and has rested since it asked.
func open(t *testing.T, rules scalingosim.Rules) *targettest.Bench {
	account := scalingosim.New(scalingosim.Options{Token: token, Rules: rules})
	var network memnet.Network
	listener, err := network.Listen("tcp", "scalingo.test:80")
	if err != nil {
		t.Fatal(err)
	}
	account.Serve(listener)
	client := scalingo.New(token, scalingo.WithBaseURL("http://scalingo.test"),
		scalingo.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: network.DialContext}}))
	t.Cleanup(func() {
		if err := account.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		client.CloseIdleConnections()
	})
	adapter := &target.Target{Client: client}
	if err := adapter.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	<-time.After(time.Minute)
	return &targettest.Bench{
		Target: adapter,
		Places: func() []access.Server {
			return []access.Server{{ExternalID: scalingosim.AccountID, Name: "scalingo", Online: true}}
		},
		Keys: func(string) (keys []access.Credential) {
			for _, k := range account.Keys() {
				keys = append(keys, access.Credential{ID: k.ID, Label: k.Name, PublicKey: k.Content, CreatedAt: k.CreatedAt})
			}
			return keys
		},
		Plant:     func(_ string, c access.Credential) string { return account.AddKeyByHand(c.Label, c.PublicKey) },
		Additions: func() int { return additions(account) },
		Tokens:    func() []access.Credential { return tokens(account, rules) },
		MakeToken: func(label string) {
			if _, ok := account.NewTokenByKey(account.Keys()[0].Content, label); !ok {
				t.Error("no token was made")
			}
		},
		TakenKey: true, Limited: true,
		Secrets: []string{token, "eyJ", "@", key[12:40], tail, "<html", "<!DOCTYPE"},
		Faults:  append(ruled(t, account), others(account, client)...),
	}
}

// tokens returns the tokens as they have to be listed. The first is the bot's own; where no use of one is recorded,
// it cannot be known which that is.
func tokens(account *scalingosim.Account, rules scalingosim.Rules) (list []access.Credential) {
	for i, k := range account.Tokens() {
		list = append(list, access.Credential{
			ID: idOf(k), Label: k.Name, CreatedAt: k.CreatedAt, Token: true, UsedAt: k.LastUsedAt,
			Fixed: i == 0 || rules.LastUsed == scalingosim.LastUsedNever,
		})
	}
	return list
}

// additions returns how many additions have arrived. One that was refused for its JSON web token is none: it is
// made again with another one.
func additions(account *scalingosim.Account) (n int) {
	for _, c := range account.Calls() {
		if c.Op == scalingosim.OpAddKey && c.Status != http.StatusUnauthorized {
			n++
		}
	}
	return n
}

// ruled returns a fault for every kind of them that the simulator knows. A write whose outcome is unknown goes
// wrong before and after it is carried out.
func ruled(t *testing.T, account *scalingosim.Account) (faults []targettest.Fault) {
	known := ways()
	for _, kind := range scalingosim.FaultKinds() {
		if len(known[kind]) == 0 {
			t.Errorf("what comes of faults of kind %d?", kind)
		}
		for _, w := range known[kind] {
			w.rule.Kind = kind
			if w.rule.Op == scalingosim.OpAny {
				w.rule.Op = scalingosim.OpAuthorized
			}
			faults = append(faults, w.on(account))
			if w.Write == access.UnknownOutcome && !w.Applied {
				w.Name, w.Applied, w.rule.After = w.Name+", after a write", true, true
				faults = append(faults, w.on(account))
			}
		}
	}
	return faults
}

// way is how a fault shows, and what has to come of it.
type way struct {
	targettest.Fault
	rule scalingosim.FaultRule
}

// on returns the fault of an account, which has to be asked for another JSON web token then.
func (w way) on(account *scalingosim.Account) targettest.Fault {
	w.Set = func() func() {
		if w.rule.Op == scalingosim.OpExchange {
			account.ExpireJWTs()
		}
		return account.Fault(w.rule)
	}
	return w.Fault
}

// refused is the way of an answer that says what it means, so that a write surely had no effect.
func refused(name string, code access.Code, words string, rule scalingosim.FaultRule) way {
	return way{targettest.Fault{Name: name, Read: code, Write: code, Words: words}, rule}
}

// lost is the way of an answer that says nothing.
func lost(name, words string, rule scalingosim.FaultRule) way {
	return way{targettest.Fault{Name: name, Read: access.Unavailable, Write: access.UnknownOutcome, Words: words}, rule}
}

// before is the way of an exchange that goes wrong, so that no call follows it.
func before(name string, code access.Code, words string, rule scalingosim.FaultRule) way {
	rule.Op = scalingosim.OpExchange
	return refused("exchange: "+name, code, words, rule)
}

// patient is the way of a fault that asks to be left alone for the minute that Scalingo counts in.
func patient(w way) way {
	w.RetryAfter = time.Minute
	return w
}

const (
	noAnswer  = "did not answer in time"
	notItsAPI = "not an answer of its API"
)

// ways returns the ways in which each kind of fault shows.
func ways() map[scalingosim.FaultKind][]way {
	type rule = scalingosim.FaultRule
	noise := "Oops. \x1b[31m " + token + " " + key + " of ada@example.com" + strings.Repeat(" and so on", 1000) + tail
	hangs := lost("no answer", noAnswer, rule{})
	hangs.Hangs = true
	late := lost("late application", noAnswer, rule{Delay: 10 * time.Minute})
	late.Applied = true
	half := lost("a cut answer", noAnswer, rule{})
	half.Applied = true
	pages := way{targettest.Fault{Name: "pages", Read: access.Unavailable, Keys: true, Words: "has pages now"}, rule{Op: scalingosim.OpListKeys}}
	return map[scalingosim.FaultKind][]way{
		scalingosim.FaultStatus: {
			refused("401", access.Unauthorized, "API token is wrong", rule{Status: 401}),
			refused("402", access.Forbidden, "Scalingo answers 402: Pay first.", rule{Status: 402, Message: "Pay first."}),
			refused("403", access.Forbidden, "Scalingo answers 403: Not yours.", rule{Status: 403, Message: "Not yours."}),
			refused("404", access.Unavailable, "Scalingo answers 404: Nowhere.", rule{Status: 404, Message: "Nowhere."}),
			refused("422", access.Invalid, "Scalingo answers 422: Oops.", rule{Status: 422, Message: noise}),
			lost("500", "Scalingo answers 500: Oops.", rule{Message: noise}),
			before("401", access.Unauthorized, "API token is wrong", rule{Status: 401}),
			before("403", access.Forbidden, "Scalingo answers 403", rule{Status: 403}),
			before("404", access.Unavailable, "Scalingo answers 404", rule{Status: 404}),
			before("422", access.Unavailable, "Scalingo answers 422", rule{Status: 422}),
			before("500", access.Unavailable, "Scalingo answers 500", rule{}),
		},
		scalingosim.FaultHTML: {
			refused("a web page that says 404", access.Unavailable, "Scalingo answers 404", rule{Status: 404}),
			lost("a web page", notItsAPI, rule{}),
			lost("a web page elsewhere", "Scalingo answers 302", rule{Status: 302}),
			lost("maintenance", "Scalingo answers 503", rule{Status: 503}),
			before("a web page", access.Unavailable, notItsAPI, rule{}),
		},
		scalingosim.FaultTooMany: {
			patient(refused("429", access.RateLimited, "Scalingo answers 429", rule{})),
			patient(before("429", access.RateLimited, "Scalingo answers 429", rule{})),
		},
		scalingosim.FaultDrop: {lost("a cut connection", noAnswer, rule{}), before("a cut connection", access.Unavailable, noAnswer, rule{})},
		scalingosim.FaultHang: {hangs, before("no answer", access.Unavailable, noAnswer, rule{})},
		scalingosim.FaultLate: {late},
		scalingosim.FaultCut:  {half, before("a cut answer", access.Unavailable, noAnswer, rule{})},
		scalingosim.FaultHalf: {
			{targettest.Fault{Name: "half a list", Read: access.Unavailable, Keys: true, Words: notItsAPI}, rule{Op: scalingosim.OpListKeys}},
			before("half an answer", access.Unavailable, notItsAPI, rule{}),
		},
		scalingosim.FaultPages: {pages},
		scalingosim.FaultNull: {
			{targettest.Fault{Name: "no rows", Read: access.Unavailable, Keys: true, Words: notItsAPI}, rule{Op: scalingosim.OpListKeys}},
		},
	}
}

// others returns what else can go wrong with an account.
func others(account *scalingosim.Account, client *scalingo.Client) []targettest.Fault {
	return []targettest.Fault{
		{Name: "a token of yesterday", Read: access.Unauthorized, Write: access.Unauthorized, Words: "API token is wrong", Set: func() func() {
			account.SetToken("regenerated")
			account.ExpireJWTs()
			return func() { account.SetToken(token) }
		}},
		{Name: "a JSON web token that ended early", Set: func() func() {
			account.ExpireJWTs()
			return func() {}
		}},
		{Name: "slow answers", Set: func() func() {
			account.SetLatency(20 * time.Second)
			return func() { account.SetLatency(0) }
		}},
		{Name: "offline", Read: access.Unavailable, Write: access.Unavailable, Words: noAnswer, Set: func() func() {
			account.ExpireJWTs()
			account.SetOffline(true)
			return func() { account.SetOffline(false) }
		}},
		{Name: "nobody listens", Read: access.Unavailable, Write: access.Unavailable, Words: noAnswer, Set: func() func() {
			_ = account.Close()
			client.CloseIdleConnections()
			return nil
		}},
	}
}
