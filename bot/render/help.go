package render

import (
	"fmt"
	"strings"
)

// Verb is a word that /sshkey understands, as Help shows it.
type Verb struct {
	Part  string // heading that it stands under
	Name  string
	Typed string // the name with all that may follow it
	About string // a sentence
	Opens bool   // a form, when it is typed alone
}

// Help shows every verb with its form, in order, under a heading for each part. Accounts are the names of the accounts
// whose servers there are, where there are several.
func Help(verbs []Verb, accounts []string) Message {
	p := &page{}
	p.addHeading("What you can do with /sshkey")
	var alone []string
	for len(verbs) > 0 {
		part := verbs[0].Part
		lines := []string{"*" + part + "*"}
		for ; len(verbs) > 0 && verbs[0].Part == part; verbs = verbs[1:] {
			v := verbs[0]
			lines = append(lines, fmt.Sprintf("`/sshkey %s`: %s", v.Typed, v.About))
			if v.Opens {
				alone = append(alone, "`/sshkey "+v.Name+"`")
			}
		}
		p.addText(lines...)
	}
	on := "Left out, it is every server."
	if n := len(accounts); n > 1 {
		on = "Before each may stand its account (" + strings.Join(accounts, ", ") + "), like `" + accounts[n-1] + "/web-*`. Left out, it is every server of every account; `grant` needs them."
	}
	p.addContext(
		"@user is picked from Slack's list; `me` stands for yourself. DURATION is like `30m`, `12h`, `7d`, `2w`, `1d12h` or `2 hours`; `forever` where that is allowed.",
		"SERVERS are names separated by commas, with `*` and `?`, or `#ID`, or `tag:NAME`. "+on,
		"The clock of a grant starts when it is approved. "+strings.Join(alone, " or ")+" alone opens a form.",
	)
	return p.message()
}
