package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/app"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/scalingosim"
)

// typed is the outcome of a command in the shell.
type typed struct {
	status         int
	stdout, stderr string
}

// printed is the output of a command while it runs.
type printed struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// Shell runs a command in another process, with the settings of the bot.
func (r *rig) Shell(args ...string) typed {
	r.t.Helper()
	return r.ShellUntil(nil, args...)
}

// ShellUntil runs a command, and interrupts it once enough, which is given its output so far,
// returns true; nil lets it end by itself.
func (r *rig) ShellUntil(enough func(stdout string) bool, args ...string) typed {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "sshkeybot", args...) // TestMain puts the program on the path
	cmd.Env = r.environment()
	var stdout, stderr printed
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	r.must(cmd.Start())
	if enough != nil {
		r.until("enough is seen of "+strings.Join(args, " "), func() bool { return enough(stdout.String()) })
		r.must(cmd.Process.Signal(os.Interrupt))
	}
	err := cmd.Wait()
	out := typed{stdout: stdout.String(), stderr: stderr.String()}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		out.status = exit.ExitCode()
	} else {
		r.must(err)
	}
	for _, secret := range []string{r.slack.BotToken(), r.slack.AppToken(), runcloudsim.DefaultToken, scalingosim.DefaultToken} {
		r.saysNot(out.stdout+out.stderr, secret)
	}
	return out
}

func (r *rig) environment() []string {
	c := r.cfg
	env := []string{
		"PATH=" + os.Getenv("PATH"),
		"SLACK_BOT_TOKEN=" + c.Slack.BotToken.Reveal(), "SLACK_APP_TOKEN=" + c.Slack.AppToken.Reveal(), "SLACK_API_URL=" + c.Slack.APIURL,
		"SSHKEYBOT_APPROVERS=" + strings.Join(c.Approvers, ","), "SSHKEYBOT_DATABASE_URL=" + c.DatabaseURL.Reveal(),
		"SSHKEYBOT_APPROVAL_CHANNEL=" + c.ApprovalChannel, "SSHKEYBOT_ANNOUNCE_CHANNEL=" + c.AnnounceChannel,
	}
	if len(c.RunClouds) == 1 {
		env = append(env, "RUNCLOUD_API_TOKEN="+c.RunClouds[0].Token.Reveal(), "RUNCLOUD_API_URL="+c.RunClouds[0].APIURL)
	} else {
		var names []string
		for _, account := range c.RunClouds {
			name := strings.ToUpper(account.Name)
			names, env = append(names, account.Name), append(env, "RUNCLOUD_API_TOKEN_"+name+"="+account.Token.Reveal(), "RUNCLOUD_API_URL_"+name+"="+account.APIURL)
		}
		env = append(env, "RUNCLOUD_WORKSPACES="+strings.Join(names, ","))
	}
	if s := c.Scalingo; s != nil {
		env = append(env, "SCALINGO_API_TOKEN="+s.Token.Reveal(), "SCALINGO_AUTH_URL="+s.AuthURL, "SCALINGO_GRANTS="+strconv.FormatBool(s.Grants))
	}
	return env
}

// listed returns what list --json prints.
func (r *rig) listed() (l listing) {
	r.t.Helper()
	r.must(json.Unmarshal([]byte(r.Shell("list", "--json").stdout), &l))
	return l
}

// offboarding returns the outcome of an offboarding so far, read from the ledger by another
// process.
func (r *rig) offboarding(request int64) offboarding {
	r.t.Helper()
	ledger, err := openToRead(r.t.Context(), r.cfg)
	r.must(err)
	defer ledger.Close()
	view, err := app.ReadOnly(ledger, r.cfg, time.Now).View(r.t.Context(), request)
	if err != nil {
		return offboarding{}
	}
	return outcomeOf(view, "", time.Time{})
}

// Ends ends the bot, so that commands find no bot running.
func (r *rig) Ends() {
	r.t.Helper()
	r.leave()
	err := <-r.ended
	r.must(err)
	r.ended <- nil // for the end of the test, which receives it, too
	r.app.Close()
}

// Offboards runs offboard --json, and returns what it prints.
func (r *rig) Offboards(person string, args ...string) (offboarding, typed) {
	r.t.Helper()
	return r.OffboardsUntil(nil, person, args...)
}

// OffboardsUntil interrupts the command once enough returns true.
func (r *rig) OffboardsUntil(enough func(string) bool, person string, args ...string) (offboarding, typed) {
	r.t.Helper()
	out := r.ShellUntil(enough, append([]string{"offboard", person, "--yes", "--json"}, args...)...)
	var end offboarding
	if err := json.Unmarshal([]byte(out.stdout), &end); err != nil {
		r.t.Fatalf("exit %d: %v\n%s%s", out.status, err, out.stdout, out.stderr)
	}
	return end, out
}

func (r *rig) keysLeft() (n int) {
	for _, id := range r.servers {
		n += len(r.account.Keys(id))
	}
	return n
}

func TestOffboardFromTheShellBesideTheBot(t *testing.T) {
	t.Parallel()
	onBothLive(t, func(t *testing.T, database string) {
		r := start(t, plan{sockets: true, database: database})
		r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
		r.account.AddSession(r.servers[0], runcloudsim.Session{Username: "runcloud", TTY: "pts/0", IPAddress: "198.51.100.7", LoginSince: "09:00"})

		end, out := r.Offboards(alice, "--reason", "has left us")
		if out.status != exitDone || !end.Done || end.State != "offboarded" || len(end.Debt) != 0 || len(end.Sessions) != 1 {
			t.Errorf("exit %d: %+v", out.status, end)
		}
		if left := r.keysLeft(); left != 0 {
			t.Errorf("%d keys are left", left)
		}
		removed := 0
		for _, line := range end.Results {
			if line.Phase == access.PhaseRemove && line.State == access.Done {
				removed++
			}
		}
		if removed != len(r.servers) {
			t.Errorf("removed from %d of %d servers", removed, len(r.servers))
		}
		r.says(r.Message(end.Request), "shell", "has left us")
		if r.audited("request.shell") != 1 {
			t.Error("the audit log does not name the operator once")
		}
		again, out := r.Offboards(alice)
		if out.status != exitDone || again.Request != end.Request {
			t.Errorf("repeated, it is request %d after %d, exit %d", again.Request, end.Request, out.status)
		}
		r.says(r.Shell("offboard", alice, "--yes").stdout, "To do by hand: delete their keys from the SSH Key Vault")
		r.says(r.Types(bob, "list"), "No") // the bot still answers
	})
}

// Without a running bot the command does the work itself, but it places no key.
func TestOffboardFromTheShellWithoutBot(t *testing.T) {
	t.Parallel()
	onBothLive(t, func(t *testing.T, database string) {
		r := start(t, plan{sockets: true, database: database, servers: 3, prepare: func(r *rig) { r.account.SetOnline(r.servers[1], false) }})
		r.Register(alice)
		r.Register(dave)
		r.Granted(alice, "grant @alice 1h on #"+strconv.FormatInt(r.servers[0], 10)+",#"+strconv.FormatInt(r.servers[2], 10))
		last := r.Granted(dave, "grant @dave 1h on #"+strconv.FormatInt(r.servers[1], 10)) // waits for the server that is offline
		r.Ends()

		ill := r.servers[0]
		illID := strconv.FormatInt(ill, 10)
		mended := r.account.Fault(runcloudsim.FaultRule{Server: ill, Op: runcloudsim.OpDelete, Kind: runcloudsim.FaultHTML, Status: 502})
		onlyIll := func(string) bool {
			o := r.offboarding(last + 1)
			return len(o.Results) == 6 && len(o.Debt) == 1 && o.Debt[0].ServerID == illID // 2 removed from, 3 and their list read
		}
		end, out := r.OffboardsUntil(onlyIll, alice)
		if out.status != exitFailed || end.Done || end.State != "owed" || len(end.Debt) != 1 || end.Debt[0].ServerID != illID {
			t.Errorf("with a server in trouble: exit %d: %+v\n%s", out.status, end, out.stderr)
		}
		mended()
		r.account.SetOnline(r.servers[1], true)
		plainOut := r.Shell("offboard", alice, "--yes", "--timeout", patience.String())
		r.says(plainOut.stdout, "Offboarded "+alice, "1 key removed (1 more before this command)", "SSH Key Vault")
		if plainOut.status != exitDone || r.keysLeft() != 0 {
			t.Errorf("exit %d, %d keys left: %s", plainOut.status, r.keysLeft(), plainOut.stdout+plainOut.stderr)
		}
	})
}

// The command does not wait for what RunCloud refuses for good.
func TestOffboardFromTheShellRefused(t *testing.T) {
	t.Parallel()
	r := start(t, plan{sockets: true, servers: 3})
	r.Register(alice)
	r.Granted(alice, "grant @alice 1h")
	r.account.Fault(runcloudsim.FaultRule{Server: r.servers[0], Op: runcloudsim.OpDelete, Kind: runcloudsim.FaultStatus, Status: 403, Message: "This action is unauthorized."})
	const timeout = 5 * time.Minute
	began := time.Now()
	out := r.Shell("offboard", alice, "--yes", "--timeout", timeout.String())
	if took := time.Since(began); out.status != exitFailed || took >= timeout {
		t.Errorf("exit %d after %s", out.status, took)
	}
	r.says(out.stdout, "Not finished", "2 keys removed", "This action is unauthorized.")
}

func TestOffboardFromTheShellWithWrongToken(t *testing.T) {
	t.Parallel()
	r := start(t, plan{sockets: true, servers: 2})
	r.Register(alice)
	r.Granted(alice, "grant @alice 1h")
	r.Ends()
	r.account.SetToken("another")
	out := r.ShellUntil(func(stdout string) bool { return strings.Contains(stdout, "401") }, "offboard", alice, "--yes")
	if out.status != exitFailed {
		t.Errorf("exit %d", out.status)
	}
	r.says(out.stdout, "RunCloud refuses the token (401)", "allow list", "Not finished")
}

func TestOffboardOfNobody(t *testing.T) {
	t.Parallel()
	r := start(t, plan{sockets: true, servers: 1})
	out := r.Shell("offboard", "U0NOBODY", "--yes")
	if out.status != exitFailed || out.stdout != "" {
		t.Errorf("exit %d: %s", out.status, out.stdout)
	}
	r.says(out.stderr, "Slack knows no such user")
}

func TestListFromTheShell(t *testing.T) {
	t.Parallel()
	onBothLive(t, func(t *testing.T, database string) {
		r := start(t, plan{sockets: true, database: database, servers: 2})
		r.Register(alice)
		r.Granted(alice, "grant @alice 1h")
		r.Register(dave)
		r.Ask(dave, "grant @dave 1h")
		for _, ended := range []bool{false, true} {
			if ended {
				r.Ends()
			}
			l := r.listed()
			if len(l.Grants) != 1 || l.Grants[0].Person != alice || l.Grants[0].Placed != 2 || l.Grants[0].Ends == nil || len(l.Waiting) != 1 {
				t.Errorf("bot ended %t: %+v", ended, l)
			}
			r.says(r.Shell("list").stdout, "1 grant live", alice, "2 servers", "1 request waiting", dave)
			r.saysNot(r.Shell("list", dave).stdout, alice)
		}
	})
}

func TestCheckFromTheShell(t *testing.T) {
	t.Parallel()
	onBothLive(t, func(t *testing.T, database string) {
		r := start(t, plan{sockets: true, database: database, servers: 2})
		out := r.Shell("check")
		if out.status != exitDone {
			t.Errorf("exit %d: %s%s", out.status, out.stdout, out.stderr)
		}
		for line := range strings.Lines(out.stdout) {
			if status, _, _ := strings.Cut(line, " "); !slices.Contains([]string{"ok", "note", "warning"}, status) {
				t.Errorf("not a line of a proof that holds: %s", line)
			}
		}
		r.says(out.stdout, "app token", "bot token", "scopes", "approver "+bob, "approvals", "runcloud clock", "database", "audit log", "self-approval")
		r.account.SetToken("another")
		out = r.Shell("check", "--json")
		if out.status != exitFailed || !strings.Contains(out.stdout, `"good": false`) || !strings.Contains(out.stdout, "allow list") {
			t.Errorf("with a wrong token: %+v", out)
		}
	})
}

func TestAskYes(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"yes\n": true, " yes ": true, "y\n": false, "no\n": false, "": false} {
		if err := askYes(strings.NewReader(answer), io.Discard, bob); (err == nil) != want {
			t.Errorf("%q: %v", answer, err)
		}
	}
}

func TestServerSays(t *testing.T) {
	t.Parallel()
	remove := func(s access.ResultState, p access.Problem, detail string) access.Result {
		return access.Result{Phase: access.PhaseRemove, State: s, Setback: access.Setback{Problem: p, Detail: detail}}
	}
	read := access.Result{Phase: access.PhaseInspect, State: access.Done, Sessions: []access.Session{{SystemUser: "x"}}}
	for want, results := range map[string][]access.Result{
		"":                                       {remove(access.Done, "", ""), {Phase: access.PhaseInspect, State: access.Waiting}},
		"2 keys removed":                         {remove(access.Done, "", ""), remove(access.Done, "", ""), read},
		"1 key kept for another grant":           {remove(access.Kept, "", ""), read},
		"still owed, the server is offline":      {remove(access.Waiting, access.ProblemOffline, "x")},
		"still owed, RunCloud answers 403: none": {read, remove(access.Failed, access.ProblemRefused, "RunCloud answers 403: none")},
	} {
		if got := (serverWork{results: results}).say(); got != want {
			t.Errorf("say() = %q, want %q", got, want)
		}
	}
}

// No text from outside moves the cursor of a terminal or forges a line.
func TestPlain(t *testing.T) {
	t.Parallel()
	if got := plain("web\n-01\x1b[2J\u202e é"); strings.ContainsAny(got, "\n\x1b\u202e") || !strings.Contains(got, "é") {
		t.Errorf("plain: %q", got)
	}
}
