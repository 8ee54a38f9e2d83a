package runcloud_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/limiter"
	"sshkeybot/internal/sim/memnet"
	"sshkeybot/internal/sim/runcloudsim"
	target "sshkeybot/internal/target/runcloud"
	"sshkeybot/internal/target/targettest"
	"sshkeybot/runcloud"
)

// tail ends what RunCloud says at such length that nobody is to read all of it.
const tail = "the end of a long answer"

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]runcloudsim.Rules{
		"likely rules": {TemporaryLifetime: 12 * time.Hour},
		"other rules":  {RefuseDuplicateKey: true, FullKeys: true, TemporaryLifetime: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			targettest.Run(t, func(t *testing.T) *targettest.Bench { return open(t, rules) })
		})
	}
}

// open opens a bench with an account of a hundred servers.
func open(t *testing.T, rules runcloudsim.Rules) *targettest.Bench {
	account := runcloudsim.New(runcloudsim.Options{Token: token, Rules: rules})
	account.AddServers(97)
	account.AddServer(runcloudsim.Server{Name: "away", Tags: []string{"prod", "o\x00dd"}, Offline: true})
	account.AddServer(runcloudsim.Server{Name: "\x1b[31mnew\x00", NeverConnected: true})
	var network memnet.Network
	listener, err := network.Listen("tcp", "runcloud.test:80")
	if err != nil {
		t.Fatal(err)
	}
	account.Serve(listener)
	client := runcloud.New(token, runcloud.WithBaseURL("http://runcloud.test/api/v3"), runcloud.WithLimiter(limiter.New(2)),
		runcloud.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: network.DialContext}}))
	t.Cleanup(func() {
		if err := account.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		client.CloseIdleConnections()
	})
	return &targettest.Bench{
		Target: target.Target{Client: client, Lifetime: rules.TemporaryLifetime, Quota: 400_000},
		User:   "runcloud", Unknown: "77",
		Places: func() (places []access.Server) {
			for _, s := range account.Servers() {
				places = append(places, access.Server{ExternalID: text(s.ID), Name: s.Name, Tags: s.Tags, Online: !s.Offline, Address: runcloudsim.Address(s.ID)})
			}
			return places
		},
		Keys: func(place string) (keys []access.Credential) {
			for _, k := range account.Keys(number(t, place)) {
				keys = append(keys, access.Credential{
					ID: text(k.ID), Label: k.Label, SystemUser: k.User, PublicKey: k.PublicKey, Temporary: &k.Temporary, CreatedAt: k.CreatedAt,
				})
			}
			return keys
		},
		Shown: func(publicKey string) string {
			if runes := []rune(publicKey); !rules.FullKeys {
				return string(runes[:50]) + "..."
			}
			return publicKey
		},
		Plant: func(place string, c access.Credential) string {
			return text(account.AddKey(number(t, place), runcloudsim.Credential{Label: c.Label, User: c.SystemUser, PublicKey: c.PublicKey}))
		},
		Additions:   func() int { return account.Count(runcloudsim.OpCreate) },
		SetOnline:   func(place string, online bool) { account.SetOnline(number(t, place), online) },
		RemovePlace: func(place string) { account.RemoveServer(number(t, place)) },
		Login: func(place string, s access.Session) {
			account.AddSession(number(t, place), runcloudsim.Session{Username: s.SystemUser, IPAddress: s.Address, LoginSince: s.Since})
		},
		TakenLabel: true, TakenKey: rules.RefuseDuplicateKey, Limited: true,
		Secrets: []string{token, key[12:40], tail, "<html", "<!DOCTYPE"},
		Faults:  append(ruled(t, account), others(account, client)...),
	}
}

// ruled returns a fault for every kind of them that the simulator knows. A write whose outcome
// is unknown goes wrong before and after it is carried out.
func ruled(t *testing.T, account *runcloudsim.Account) (faults []targettest.Fault) {
	known := ways()
	for _, kind := range runcloudsim.FaultKinds() {
		if len(known[kind]) == 0 {
			t.Errorf("what comes of faults of kind %d?", kind)
		}
		for _, w := range known[kind] {
			w.rule.Kind = kind
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
	rule runcloudsim.FaultRule
}

// on returns the fault of an account.
func (w way) on(account *runcloudsim.Account) targettest.Fault {
	w.RetryAfter, w.Set = w.rule.RetryAfter, func() func() { return account.Fault(w.rule) }
	return w.Fault
}

// refused is the way of an answer that says what it means, so that a write surely had no effect.
func refused(name string, code access.Code, words string, rule runcloudsim.FaultRule) way {
	return way{targettest.Fault{Name: name, Read: code, Write: code, Words: words}, rule}
}

// lost is the way of an answer that says nothing.
func lost(name, words string, rule runcloudsim.FaultRule) way {
	return way{targettest.Fault{Name: name, Read: access.Unavailable, Write: access.UnknownOutcome, Words: words}, rule}
}

const (
	noAnswer  = "did not answer in time"
	notItsAPI = "not an answer of its API"
)

// ways returns the ways in which each kind of fault shows.
func ways() map[runcloudsim.FaultKind][]way {
	type rule = runcloudsim.FaultRule
	noise := "Oops. \x1b[31m " + token + " " + key + strings.Repeat(" and so on", 1000) + tail
	hangs := lost("no answer", noAnswer, rule{})
	hangs.Hangs = true
	half := lost("half an answer", noAnswer, rule{})
	half.Applied = true
	shorter := way{targettest.Fault{Name: "lists that get shorter", Read: access.Unavailable, Lists: true, Words: "complete list"}, rule{Shift: 3}}
	longer := shorter
	longer.Name, longer.rule.Shift = "lists that get longer", -3
	return map[runcloudsim.FaultKind][]way{
		runcloudsim.FaultStatus: {
			refused("401", access.Unauthorized, "allow list", rule{Status: 401}),
			refused("403", access.Forbidden, "RunCloud answers 403: Not yours.", rule{Status: 403, Message: "Not yours."}),
			refused("404", access.NotFound, "RunCloud answers 404: Resources not found.", rule{Status: 404}),
			refused("422", access.Invalid, "RunCloud answers 422: Oops.", rule{Status: 422, Message: noise}),
			lost("200 without what was asked for", notItsAPI, rule{Status: 200}),
			lost("500", "RunCloud answers 500: Oops.", rule{Message: noise}),
			lost("503", "RunCloud answers 503: Down for maintenance.", rule{Status: 503, Message: "Down for maintenance."}),
		},
		runcloudsim.FaultErrors: refusals(),
		runcloudsim.FaultHTML: {
			refused("a web page that says 403", access.Unavailable, notItsAPI, rule{Status: 403}),
			refused("a web page that says 404", access.Unavailable, notItsAPI, rule{Status: 404}),
			lost("a web page", notItsAPI, rule{}),
			lost("a web page elsewhere", notItsAPI, rule{Status: 302}),
			lost("a web page that says 502", notItsAPI, rule{Status: 502}),
		},
		runcloudsim.FaultEmpty: {lost("nothing", notItsAPI, rule{}), lost("nothing, with 500", notItsAPI, rule{Status: 500})},
		runcloudsim.FaultTooMany: {
			refused("429", access.RateLimited, "RunCloud answers 429: ", rule{}),
			refused("429 for a while", access.RateLimited, "RunCloud answers 429: ", rule{RetryAfter: 7 * time.Second}),
		},
		runcloudsim.FaultHang:      {hangs},
		runcloudsim.FaultDrop:      {lost("a cut connection", noAnswer, rule{})},
		runcloudsim.FaultTruncated: {half},
		runcloudsim.FaultShift:     {shorter, longer},
	}
}

// refusals returns a refusal in each shape, all of which say why if they can.
func refusals() (all []way) {
	for _, shape := range runcloudsim.ErrorsShapes() {
		words := "The label has already been taken."
		if shape == runcloudsim.ErrorsEmpty || shape == runcloudsim.ErrorsNumber {
			words = "The given data was invalid."
		}
		all = append(all, refused("422 in shape "+text(int64(shape)), access.Invalid, words, runcloudsim.FaultRule{Errors: shape}))
	}
	return all
}

// others returns what else can go wrong with an account.
func others(account *runcloudsim.Account, client *runcloud.Client) []targettest.Fault {
	return []targettest.Fault{
		{Name: "a token of yesterday", Read: access.Unauthorized, Write: access.Unauthorized, Words: "allow list", Set: func() func() {
			account.SetToken("regenerated")
			return func() { account.SetToken(token) }
		}},
		{Name: "an address that is not allowed", Read: access.Unauthorized, Write: access.Unauthorized, Words: "allow list", Set: func() func() {
			account.AllowOnly("203.0.113.9")
			return func() { account.AllowOnly() }
		}},
		{Name: "a quota that is used up", Read: access.RateLimited, Write: access.RateLimited, Words: "usage limit", Set: func() func() {
			account.SetQuota(0, 0)
			return func() { account.SetQuota(-1, 0) }
		}},
		{Name: "a limit that is reached", Set: func() func() {
			account.SetRateLimit(3, runcloudsim.LimitOptions{})
			return func() { account.SetRateLimit(0, runcloudsim.LimitOptions{}) }
		}},
		{Name: "slow answers", Set: func() func() {
			account.SetLatency(50 * time.Second)
			return func() { account.SetLatency(0) }
		}},
		{Name: "late answers", Read: access.Unavailable, Write: access.UnknownOutcome, Applied: true, Words: noAnswer, Set: func() func() {
			account.SetLatency(5 * time.Minute)
			return func() { account.SetLatency(0) }
		}},
		{Name: "nobody listens", Read: access.Unavailable, Write: access.Unavailable, Words: noAnswer, Set: func() func() {
			_ = account.Close()
			client.CloseIdleConnections()
			return nil
		}},
	}
}

func number(t *testing.T, id string) int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		t.Errorf("%q is no id of a server", id)
	}
	return n
}
