package browser

import (
	"fmt"
	"sync"
	"testing"
)

// asks has somebody ask for access in #ops, and waits until request n stands there.
func (b *tab) asks(person, command string, n int) {
	b.t.Helper()
	b.is(person, "C0OPS")
	b.types(command)
	b.shows(".message:not([data-only]) h3", fmt.Sprintf("Request %d:", n))
}

// button is an expression for the button with this label at the message that has those words.
func button(words, label string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("#messages .entry")].filter((e) => e.innerText.includes(%q)).flatMap((e) => [...e.querySelectorAll("button")]).find((e) => e.textContent.trim() === %q)`, words, label)
}

// atOnce presses Approve on a request in several tabs, no press waiting for another.
func atOnce(request string, tabs ...*tab) {
	approve := button(request, "Approve")
	for _, b := range tabs {
		b.until("Approve on "+request, approve)
	}
	var all sync.WaitGroup
	for _, b := range tabs {
		all.Go(func() { b.runs(approve + ".click()") })
	}
	all.Wait()
}

// The answers that only who pressed a button sees.
const (
	approved = "You approved request"
	late     = "approved already"
)

// told is an expression for how often the viewer of a tab was told this, as the only one.
func told(words string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".message[data-only]")].filter((e) => e.innerText.includes(%q)).length`, words)
}

// Two people press Approve at once, and then one person in two tabs: one press counts, and who pressed
// too late reads so.
func TestApproveAtOnce(t *testing.T) {
	t.Parallel()
	d := start(t)
	alice := d.open(d.address, 1280, 800)
	bob, carol, again := d.another(alice, "U0BOB"), d.another(alice, "U0CAROL"), d.another(alice, "U0BOB")
	for n := 2; n < 5; n++ { // request 1 is of before
		alice.asks("U0ALICE", fmt.Sprintf("/sshkey grant @alice %dh for round %d", n, n), n)
		yes := fmt.Sprint(approved, " ", n)
		before := map[*tab]int{}
		for _, b := range []*tab{bob, carol} {
			before[b] = value[int](b, told(late))
		}
		atOnce(fmt.Sprintf("Request %d:", n), bob, carol)
		won := 0
		for _, b := range []*tab{bob, carol} {
			b.until("an answer", fmt.Sprintf("%s + %s === %d", told(yes), told(late), before[b]+1))
			won += value[int](b, told(yes))
		}
		if won != 1 {
			t.Errorf("request %d: %d people were told that they approved it", n, won)
		}
		bob.agree(3)
	}

	alice.asks("U0ALICE", "/sshkey grant @dave 5h for the night", 5)
	before := value[int](bob, told(late))
	atOnce("Request 5:", bob, again)
	for _, b := range []*tab{bob, again} {
		b.until("both presses are answered", fmt.Sprintf("%s === 1 && %s === %d", told(approved+" 5"), told(late), before+1))
	}
	bob.agree(6)
}
