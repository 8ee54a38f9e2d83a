package render

import (
	"fmt"
	"time"
)

// Unwritable returns the message that the ledger cannot be written, with what is overdue
// meanwhile: grants past their end, and keys that should be gone.
func Unwritable(grants, keys int) Message {
	p := &page{}
	p.addText("*I cannot write to my database, so I take no commands and no decisions, and no key is removed.* " +
		"Whoever runs me: see whether its disk is full, or whether it is read-only; `/readyz` and the log say more.")
	if grants+keys > 0 {
		p.addText(fmt.Sprintf("*Overdue when I looked: %s past the end, %s still on a server.* If this lasts, delete them by hand.",
			count(grants, "grant", "grants"), count(keys, "key", "keys")))
	}
	p.addText("I go on by myself within seconds once that is mended, and remove what is overdue first.")
	return p.message()
}

// Writable returns the message that takes the place of Unwritable when that is over.
func Writable(from, to time.Time) Message {
	p := &page{}
	p.addText("*I can write to my database again*, after I could not from " + date(from) + " until " + date(to) + ". What was overdue is being removed now; commands that I refused meanwhile have to be given again.")
	return p.message()
}
