package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// process is the bot as a process of its own, with the services of a rig whose own bot has ended.
type process struct {
	r     *rig
	cmd   *exec.Cmd
	log   printed
	ready time.Duration // from its start until it said that it can do its work
}

// process starts the bot in another process, and waits until it is ready.
func (r *rig) process() *process {
	r.t.Helper()
	address := r.freeAddress()
	p := &process{r: r, cmd: exec.CommandContext(r.t.Context(), "sshkeybot", "run")} // TestMain puts the program on the path
	p.cmd.Env = append(r.environment(), "SSHKEYBOT_HTTP_ADDR="+address, "SSHKEYBOT_DAILY_SUMMARY=", "SSHKEYBOT_AUDIT=")
	p.cmd.Stderr = &p.log
	began := time.Now()
	r.must(p.cmd.Start())
	for deadline := began.Add(patience); !isReady(address); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.stop()
			r.t.Fatalf("the process is not ready:\n%s", &p.log)
		}
	}
	p.ready = time.Since(began)
	return p
}

func (r *rig) freeAddress() string {
	r.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	r.must(listener.Close())
	return listener.Addr().String()
}

func isReady(address string) bool {
	answer, err := http.Get("http://" + address + "/readyz")
	if err != nil {
		return false
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode == http.StatusOK
}

// stop ends the process, in the middle of its work.
func (p *process) stop() {
	p.r.t.Helper()
	p.r.must(p.cmd.Process.Signal(os.Interrupt))
	if err := p.cmd.Wait(); err != nil {
		p.r.t.Errorf("the process ended with %v:\n%s", err, &p.log)
	}
}

var (
	peakMemory = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	usedTicks  = regexp.MustCompile(`\) . (?:\S+ ){10}(\d+) (\d+) `) // the fields utime and stime of proc(5)
)

// ticksPerSecond is the unit of times in /proc; Linux has no other on any common machine.
const ticksPerSecond = 100

// memory returns the most memory in MB that the process has had so far.
func (p *process) memory() float64 {
	p.r.t.Helper()
	return p.proc("status", peakMemory)[0] / 1024
}

// computed returns how much processor time the process has used.
func (p *process) computed() time.Duration {
	p.r.t.Helper()
	used := p.proc("stat", usedTicks)
	return time.Duration((used[0] + used[1]) / ticksPerSecond * float64(time.Second))
}

// proc returns the numbers that a pattern finds in a file of /proc.
func (p *process) proc(file string, pattern *regexp.Regexp) (numbers []float64) {
	p.r.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file))
	if err != nil {
		p.r.t.Skipf("what a process uses is read from /proc: %v", err)
	}
	for _, group := range pattern.FindSubmatch(text)[1:] {
		n, err := strconv.ParseFloat(string(group), 64)
		p.r.must(err)
		numbers = append(numbers, n)
	}
	return numbers
}
