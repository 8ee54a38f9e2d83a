package render

import (
	"fmt"
	"strings"
	"testing"

	"sshkeybot/internal/sim/slacksim"
)

// A menu has every system user, however many there are, and the one that was asked for is chosen.
func TestManySystemUsersAreInTheMenu(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 100, 101, 250} {
		users := make([]string, n)
		for i := range users {
			users[i] = fmt.Sprintf("app%03d", i)
		}
		view := encode(t, GrantModal(GrantForm{SystemUser: users[n-1]}, GrantOffer{SystemUsers: users}))
		for _, problem := range slacksim.CheckView(view) {
			t.Errorf("%d: %s", n, problem)
		}
		for i, user := range users {
			want := 1
			if i == n-1 {
				want = 2 // it is the initial option as well
			}
			if got := strings.Count(string(view), `"value": "`+user+`"`); got != want {
				t.Errorf("%d: %s is there %d times, want %d", n, user, got, want)
			}
		}
	}
}
