package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// offline takes the network from a tab, or gives it back.
func (b *tab) offline(off bool) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}},
	})
	b.must(err)
}

const away = "The demo does not answer."

// The page goes on after whatever cuts its connection, and says so while it lasts.
func TestConnection(t *testing.T) {
	t.Parallel()
	d := start(t)
	b := d.open(d.address, 1280, 800)
	b.expects("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")

	// The bot is killed and started: the page goes on.
	b.asks("U0ALICE", "/sshkey grant @alice 12h for the first", 2)
	b.turn("bot", false)
	b.shows("#title .banner", "The bot was killed")
	b.runs(button("Request 2:", "Withdraw") + ".click()")
	b.until("one is told", `document.querySelector("#toast").checkVisibility() && document.querySelector("#toast").innerText.includes("not connected") || document.querySelector("#confirm").open`)
	b.runs(`document.querySelector("#confirm[open] #confirm-no")?.click()`)
	b.turn("bot", true)
	b.approves(2)
	b.agree(3)

	// The network of the tab is away while something happens in another one.
	other := d.another(b, "U0DAVE")
	b.offline(true)
	b.runs(`document.querySelector("[data-as=U0BOB]").click()`) // it streams anew, in vain
	b.shows("#lost", away)
	b.runs(`document.querySelector("#text").value = "not lost"; document.querySelector("#composer button").click()`)
	b.until("what cannot be sent is kept", `document.querySelector("#text").value === "not lost"`)
	other.asks("U0DAVE", "/sshkey grant @dave 12h for the second", 3)
	b.offline(false)
	b.until("it says no more that nobody answers", `!document.querySelector("#lost").checkVisibility()`)
	b.approves(3)
	b.agree(6)
	other.agree(6)

	// A reload goes on where it was.
	b.do(chromedp.Reload())
	b.agree(6)
	b.until("one is still Carol", `document.querySelector("[data-as=U0CAROL][aria-pressed=true]")`)

	// The program ends.
	other.expects("ERR_")
	d.stop()
	b.shows("#lost", away)
	b.runs(`document.querySelector("#text").value = "/sshkey list"; document.querySelector("#composer button").click()`)
	b.until("the command is kept", `document.querySelector("#text").value === "/sshkey list"`)
	b.shows("#lost", away)
}

// calls are the addresses that a tab called, with what the headers say of where it was.
type calls struct {
	mu   sync.Mutex
	urls []string
}

func (c *calls) note(event any) {
	e, ok := event.(*network.EventRequestWillBeSent)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.urls = append(c.urls, e.Request.URL)
	for name, v := range e.Request.Headers {
		if (strings.EqualFold(name, "Referer") || strings.EqualFold(name, "Cookie")) && fmt.Sprint(v) != "" {
			c.urls = append(c.urls, fmt.Sprint(name, ": ", v)) // no address, and so told
		}
	}
}

// An address opens the page once, and neither its key nor the token stands where somebody else would see it.
func TestAddress(t *testing.T) {
	t.Parallel()
	d := start(t)
	var seen calls
	b := d.open(d.address, 1280, 800)
	b.must(chromedp.Listen(b.ctx, seen.note))
	_, err := chromedp.Call(b.ctx, network.Enable, network.EnableParams{})
	b.must(err)
	b.do(chromedp.Reload())
	b.until("the page is drawn", `document.querySelectorAll("#tiles > *").length > 0`)
	b.asks("U0ALICE", "/sshkey grant @alice 12h for a look", 2)
	b.is("U0ALICE", "home")
	b.shows("#messages", "SSH access")

	address, err := url.Parse(d.address)
	d.must(err)
	key := strings.TrimPrefix(address.Fragment, "key=")
	token := value[string](b, `sessionStorage.token`)
	if len(key) < 20 || len(token) < 20 {
		t.Fatalf("key %q, token %q", key, token)
	}
	seen.mu.Lock()
	called := slices.Clone(seen.urls)
	seen.mu.Unlock()
	places := append([]string{
		value[string](b, `location.href`), value[string](b, `document.cookie`), value[string](b, `document.referrer`), value[string](b, `JSON.stringify(localStorage)`),
		value[string](b, `JSON.stringify(performance.getEntriesByType("resource").map((e) => e.name))`), value[string](b, `document.documentElement.outerHTML`),
	}, called...)
	if len(called) < 5 {
		t.Errorf("only these calls were seen: %v", called)
	}
	for _, place := range places {
		if strings.Contains(place, key) || strings.Contains(place, token) {
			t.Errorf("a secret stands in %s", place[:min(len(place), 200)])
		}
	}
	cookies, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	b.must(err)
	if len(cookies.Cookies) > 0 {
		t.Errorf("cookies: %v", cookies.Cookies)
	}
	for _, url := range called {
		if !strings.HasPrefix(url, "http://"+address.Host+"/") {
			t.Errorf("a call to somewhere else: %s", url)
		}
	}

	// The address again, and none.
	root, _, _ := strings.Cut(d.address, "#")
	for address, words := range map[string]string{d.address: "This address was opened before", root: "open the address that it prints"} {
		ctx, cancel := chromedp.NewContext(d.browser)
		t.Cleanup(cancel)
		d.must(chromedp.Do(ctx)) // the tab lives as long as the context that it is first used with
		again := &tab{t: t, ctx: ctx}
		again.do(chromedp.Navigate(address))
		again.shows("#gate[open]", words)
		again.keys("Escape", "Escape")
		again.shows("#gate[open]", words)
		if url := value[string](again, `location.href`); strings.Contains(url, "key=") {
			t.Errorf("the key stays in the address bar: %s", url)
		}
	}
}
