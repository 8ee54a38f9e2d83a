package check_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/check"
	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/scalingosim"
)

const scalingoToken = "tk-us-not-to-be-told"

// withScalingo configures a Scalingo account that is played by these rules, and then changes it.
func withScalingo(rules scalingosim.Rules, change func(b *bench, account *scalingosim.Account)) func(*testing.T, *bench) {
	return func(t *testing.T, b *bench) {
		account := scalingosim.New(scalingosim.Options{Token: scalingoToken, Rules: rules})
		url, err := account.Start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = account.Close() })
		b.Config.Scalingo = &config.Scalingo{Token: config.NewSecret(scalingoToken), AuthURL: url}
		account.AddKeyByHand("laptop", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0qmzLJh0cJkYhW5vQm0p3m2nqmY0nZ1u8n6wq3x1aB")
		change(b, account)
	}
}

func TestFindingsAtScalingo(t *testing.T) {
	t.Parallel()
	as := func(change func(*bench, *scalingosim.Account)) func(*testing.T, *bench) {
		return withScalingo(scalingosim.Rules{}, change)
	}
	well := as(func(*bench, *scalingosim.Account) {})
	goesWrong := func(rule scalingosim.FaultRule) func(*testing.T, *bench) {
		return as(func(_ *bench, a *scalingosim.Account) { a.Fault(rule) })
	}
	says(t, map[string]finding{
		"account":       {well, "scalingo", check.OK, "account deploy (us-", none},
		"counts":        {well, "scalingo keys", check.OK, "1 key and 1 API token.", none},
		"own token":     {well, "scalingo token", check.OK, "can tell its own API token", none},
		"not lent":      {well, "scalingo grants", check.OK, "is refused", none},
		"lent":          {as(func(b *bench, _ *scalingosim.Account) { b.Config.Scalingo.Grants = true }), "scalingo grants", check.Warning, "can act as the account", "SCALINGO_GRANTS=false"},
		"token unknown": {withScalingo(scalingosim.Rules{LastUsed: scalingosim.LastUsedNever}, func(*bench, *scalingosim.Account) {}), "scalingo token", check.Warning, "cannot be told", "dashboard"},
		"token refused": {as(func(_ *bench, a *scalingosim.Account) { a.SetToken("another") }), "scalingo", check.Problem, "401", "SCALINGO_API_TOKEN"},
		"away":          {as(func(_ *bench, a *scalingosim.Account) { _ = a.Close() }), "scalingo", check.Problem, "did not answer", "SCALINGO_AUTH_URL"},
		"other host":    {goesWrong(scalingosim.FaultRule{Kind: scalingosim.FaultHTML, Status: 404}), "scalingo", check.Problem, "404", "SCALINGO_AUTH_URL"},
		"suspended":     {goesWrong(scalingosim.FaultRule{Op: scalingosim.OpListKeys, Status: 402}), "scalingo keys", check.Problem, "402 when asked for the account's keys", "suspended"},
		"limited":       {goesWrong(scalingosim.FaultRule{Op: scalingosim.OpSelf, Kind: scalingosim.FaultTooMany}), "scalingo", check.Problem, "rate limit", "again"},
		"pages":         {goesWrong(scalingosim.FaultRule{Op: scalingosim.OpListTokens, Kind: scalingosim.FaultPages}), "scalingo keys", check.Problem, "API tokens in pages", "newer version"},
		"tokens unread": {goesWrong(scalingosim.FaultRule{Op: scalingosim.OpListTokens, Status: 403}), "scalingo token", check.Problem, "403", "dashboard"},
	})
}

// Nothing is changed there, and the start asks for the account alone.
func TestScalingoIsOnlyRead(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var account *scalingosim.Account
	withScalingo(scalingosim.Rules{}, func(_ *bench, a *scalingosim.Account) { account = a })(t, b)
	findings := b.AtStart(t.Context())
	i := slices.IndexFunc(findings, func(f check.Finding) bool { return f.Name == "scalingo" })
	if i < 0 || findings[i].Status != check.OK {
		t.Errorf("at the start: %+v", findings)
	}
	if n := account.Count(scalingosim.OpAuthorized); n != 1 {
		t.Errorf("%d calls at the start", n)
	}
	if findings = b.Run(t.Context()); !check.Good(findings) {
		t.Errorf("found: %+v", findings)
	}
	for _, call := range account.Calls() {
		if slices.Contains([]scalingosim.Op{scalingosim.OpAddKey, scalingosim.OpDeleteKey, scalingosim.OpDeleteToken, scalingosim.OpOther}, call.Op) {
			t.Errorf("Scalingo was asked to change something: %+v", call)
		}
	}
}

// Keys on a target that is not configured any more are a debt, whatever the target is.
func TestTargetThatIsNotConfigured(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Targets = []string{"runcloud"}
	ledger := b.ledger(t)
	place(t, ledger, "runcloud", access.PlacementPlaced)
	place(t, ledger, "vault", access.PlacementPlaced, access.PlacementLeaving, access.PlacementUnknown, access.PlacementGone)
	place(t, ledger, "empty", access.PlacementGone, access.PlacementWanted)
	ledger.Close()
	var told []check.Finding
	findings := b.Run(t.Context())
	for _, f := range findings {
		if strings.HasPrefix(f.Name, "target ") {
			told = append(told, f)
		}
	}
	if len(told) != 1 || told[0].Name != "target vault" || told[0].Status != check.Problem || !strings.Contains(told[0].Text, "3 keys there") || told[0].Remedy == "" {
		t.Errorf("it says: %+v", told)
	}
	if check.Good(findings) {
		t.Error("it passes as good")
	}
}

// place puts placements in these states on the one place of a target.
func place(t *testing.T, ledger access.Store, target string, states ...access.PlacementState) {
	t.Helper()
	err := ledger.Update(t.Context(), func(tx access.Tx) error {
		if _, err := tx.SaveTarget(t.Context(), access.TargetState{Name: target}); err != nil {
			return err
		}
		if _, err := tx.SaveServers(t.Context(), target, []access.Server{{ExternalID: "1", Name: target, Online: true}}, time.Now()); err != nil {
			return err
		}
		all, err := tx.AllServers(t.Context())
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(s access.Server) bool { return s.Target == target })
		for _, state := range states {
			p := access.Placement{ServerID: all[i].ID, Fingerprint: "SHA256:" + string(state), Person: "U0ALICE", Label: string(state), State: state}
			if _, err := tx.InsertPlacement(t.Context(), p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
