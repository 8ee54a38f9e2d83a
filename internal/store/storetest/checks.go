package storetest

import (
	"cmp"
	"flag"
	"os"
)

// SetChecks sets how often rapid checks a property, for packages whose properties write a
// ledger at every check: 20 times, or as often as the variable SSHKEYBOT_TEST_CHECKS says. The
// flag -rapid.checks goes before. It is called by TestMain.
func SetChecks() {
	flag.Parse()
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() != checks.DefValue {
		return
	}
	if err := checks.Value.Set(cmp.Or(os.Getenv("SSHKEYBOT_TEST_CHECKS"), "20")); err != nil {
		panic(err)
	}
}
