package crash

import (
	"bytes"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// child is one run of the program.
type child struct {
	cmd   *exec.Cmd
	log   *buffer
	ended chan struct{}
	err   error // of the exit, once ended is closed
}

func start(t *testing.T, cmd *exec.Cmd) *child {
	t.Helper()
	c := &child{cmd: cmd, log: &buffer{}, ended: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	t.Cleanup(c.kill)
	return c
}

func (c *child) alive() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// kill ends the process as a power cut would, and waits until it is gone.
func (c *child) kill() {
	c.signal(syscall.SIGKILL)
	<-c.ended
}

func (c *child) signal(s syscall.Signal) { _ = c.cmd.Process.Signal(s) }

// stop ends the process with SIGTERM and returns how long that took. One that has only just begun
// is waited for until it says something: before that it does not listen to signals.
func (c *child) stop(t *testing.T) time.Duration {
	t.Helper()
	until(t, patience, func() string {
		if c.alive() && c.log.String() == "" {
			return "the process says nothing"
		}
		return ""
	})
	begin := time.Now()
	c.signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(30 * time.Second): // 20 s are promised, but the machine may be slow
		t.Errorf("SIGTERM did not end the process within 30 s:\n%s", c.log)
		c.kill()
	}
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d after SIGTERM, want 0:\n%s", code, c.log)
	}
	return time.Since(begin)
}

// buffer is the output of a process.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
