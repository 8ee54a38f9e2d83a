package crash

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/scalingosim"
	"sshkeybot/internal/sim/slacksim"
	"sshkeybot/internal/sshkey"
)

const (
	ops    = "C0OPS"
	first  = "U0FIRST"  // an approver
	second = "U0SECOND" // another
)

// stage is a world with the test, or the subtest, that uses it.
type stage struct {
	*testing.T
	*world
}

// as returns the stage for a subtest.
func (s stage) as(t *testing.T) stage { return stage{t, s.world} }

// world is the environment of a test: the simulated services, one database, and as many
// replicas of the program as the test starts.
type world struct {
	whole    *testing.T // the processes end with it, not with a subtest
	slack    *slacksim.Workspace
	account  *runcloudsim.Account
	servers  []int64
	scalingo *scalingosim.Account // nil where none is configured
	ledger   database
	program  string
	env      []string
	jail     *syscall.SysProcAttr // root directory and user of the program, if not our own

	mu       sync.Mutex
	children []*child // the last run of each replica
	logs     []*buffer
	acked    []string // the envelopes that Slack saw acknowledged
	people   []*person
}

// stages is a semaphore for the stages in use: more of them would only slow each other.
var stages = make(chan struct{}, 5)

// setup is the options of newStage.
type setup struct {
	servers  int
	lifetime time.Duration // of temporary keys; 12h when zero
	latency  time.Duration
	env      []string
	seed     uint64
	rules    runcloudsim.Rules
}

func newStage(t *testing.T, ledger database, s setup) stage {
	t.Helper()
	stages <- struct{}{}
	t.Cleanup(func() { <-stages })
	if s.lifetime == 0 {
		s.lifetime = 12 * time.Hour
	}
	s.rules.TemporaryLifetime = s.lifetime
	st := stage{t, &world{
		whole:   t,
		ledger:  ledger,
		program: binary,
		slack:   slacksim.New(slacksim.Options{Seed: s.seed}),
		account: runcloudsim.New(runcloudsim.Options{Seed: s.seed, Rules: s.rules}),
	}}
	slackURL, err := st.slack.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.slack.Close)
	accountURL, err := st.account.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.account.Close() })
	st.account.SetLatency(s.latency)
	st.servers = st.account.AddServers(s.servers)
	st.slack.AddChannel(slacksim.Channel{ID: ops, Name: "ops", Bot: true})
	st.approver(first)
	st.approver(second)
	st.env = append([]string{
		"SLACK_BOT_TOKEN=" + st.slack.BotToken(), "SLACK_APP_TOKEN=" + st.slack.AppToken(), "SLACK_API_URL=" + slackURL,
		"RUNCLOUD_API_TOKEN=" + runcloudsim.DefaultToken, "RUNCLOUD_API_URL=" + accountURL,
		"RUNCLOUD_TEMPORARY_LIFETIME=" + s.lifetime.String(),
		"SSHKEYBOT_APPROVERS=" + first + "," + second, "SSHKEYBOT_APPROVAL_CHANNEL=" + ops,
		"SSHKEYBOT_MIN_DURATION=1s", "SSHKEYBOT_DATABASE_URL=" + ledger.url,
		"SSHKEYBOT_HTTP_ADDR=", "SSHKEYBOT_DAILY_SUMMARY=", "TZ=America/New_York",
	}, s.env...)
	t.Cleanup(st.tell)
	return st
}

func (s stage) approver(id string) {
	s.slack.AddUser(slacksim.User{ID: id, Name: strings.ToLower(id[2:]), RealName: id[2:]})
	s.join(id)
}

func (s stage) join(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	members := []string{id, s.slack.BotUserID()}
	for _, u := range s.slack.Users() {
		members = append(members, u.ID)
	}
	slices.Sort(members)
	s.slack.AddChannel(slacksim.Channel{ID: ops, Name: "ops", Bot: true, Members: slices.Compact(members)})
}

// tell logs the end of what the last processes said if the test has failed.
func (s stage) tell() {
	if !s.Failed() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := max(0, len(s.logs)-3); i < len(s.logs); i++ {
		text := s.logs[i].String()
		s.Logf("run %d said:\n%s", i, text[max(0, len(text)-1500):])
	}
}

// up starts n replicas and waits until all of them are connected to Slack.
func (s stage) up(n int) {
	s.Helper()
	for i := range n {
		s.restart(i)
	}
	s.heard(n)
}

// heard waits until n replicas run and are connected to Slack.
func (s stage) heard(n int) {
	s.Helper()
	until(s.T, patience, func() string {
		running := 0
		for i := range n {
			if strings.Contains(s.child(i).log.String(), `"running"`) {
				running++
			}
		}
		if sockets := s.slack.Sockets(); min(running, sockets) < n {
			return fmt.Sprintf("%d replicas of %d run, and hold %d sockets", running, n, sockets)
		}
		return ""
	})
}

// restart starts replica i, whose last process has ended.
func (s stage) restart(i int) *child {
	s.Helper()
	c := start(s.whole, s.command("run"))
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.children) <= i {
		s.children = append(s.children, nil)
	}
	s.children[i] = c
	s.logs = append(s.logs, c.log)
	return c
}

// command returns the command that runs the program with these arguments.
func (s stage) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.program, args...)
	cmd.Env, cmd.SysProcAttr = s.env, s.jail
	if s.jail != nil {
		cmd.Dir = "/"
	}
	return cmd
}

// runs returns how often the program was started.
func (s stage) runs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.logs)
}

func (s stage) child(i int) *child {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.children[i]
}

// replicaOf returns the process of the replica with that name, which contains the process ID.
func (s stage) replicaOf(name string) *child {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.children {
		if strings.Contains(name, fmt.Sprintf("-%d-", c.cmd.Process.Pid)) {
			return c
		}
	}
	s.Fatalf("no child goes by the name %q", name)
	return nil
}

// stop ends every replica with SIGTERM.
func (s stage) stop() {
	s.Helper()
	s.mu.Lock()
	children := slices.Clone(s.children)
	s.mu.Unlock()
	for _, c := range children {
		if c.alive() {
			c.signal(syscall.SIGCONT)
			c.stop(s.T)
		}
	}
}

// person is somebody who receives access, with their key.
type person struct {
	id, name string
	key      sshkey.Key
	has      bool // whether the person should have access in the end
	lent     bool // whether the person should hold the Scalingo account in the end
}

func (s stage) person(name string, key sshkey.Key) *person {
	s.Helper()
	p := &person{id: "U0" + strings.ToUpper(name), name: name, key: key}
	s.slack.AddUser(slacksim.User{ID: p.id, Name: name, RealName: name})
	s.join(p.id)
	s.mu.Lock()
	s.people = append(s.people, p)
	s.mu.Unlock()
	return p
}
