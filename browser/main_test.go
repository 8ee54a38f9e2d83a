package browser

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// program is the path of sshkeybot, which TestMain builds.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	// The tests wait most of the time, so that more of them run at a time than there are processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	dir, err := os.MkdirTemp("", "sshkeybot-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "sshkeybot")
	build := exec.Command("go", "build", "-o", program, "./cmd/sshkeybot")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// patience is how long anything on the page may take, on a machine that is busy with other things.
const patience = 30 * time.Second

// demo is a demo that runs, with a browser.
type demo struct {
	t       *testing.T
	cmd     *exec.Cmd
	dir     string // its temporary files
	address string // opens the page once
	browser context.Context
	stopped bool // Ctrl-C was pressed
}

// start starts a demo and a browser. Both end with the test, and leave nothing behind.
func start(t *testing.T, args ...string) *demo {
	t.Helper()
	chromium := find(t)
	d := &demo{t: t, dir: t.TempDir()}
	d.cmd = exec.Command(program, append([]string{"demo"}, args...)...)
	d.cmd.Env = append(os.Environ(), "TMPDIR="+d.dir)
	d.cmd.Stderr = os.Stderr
	out, err := d.cmd.StdoutPipe()
	d.must(err)
	d.must(d.cmd.Start())
	t.Cleanup(d.end)
	lines := bufio.NewScanner(out)
	address := regexp.MustCompile(`http://\S+`)
	for d.address == "" && lines.Scan() {
		d.address = address.FindString(lines.Text())
	}
	if d.address == "" {
		t.Fatal("the demo printed no address")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1440, 900))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	d.browser, cancel = chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	d.must(chromedp.Do(d.browser))
	return d
}

// find returns the path of Chromium, and skips the test where there is none.
func find(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("install Chromium to run this test: apt-get install chromium")
	return ""
}

// stop presses Ctrl-C, once.
func (d *demo) stop() {
	if !d.stopped {
		d.stopped = true
		_ = d.cmd.Process.Signal(syscall.SIGINT)
	}
}

// end ends the demo with Ctrl-C, and checks that nothing is left of it.
func (d *demo) end() {
	d.stop()
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("the demo ended with: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(d.dir, "sshkeybot-*"))
	if err != nil || len(left) > 0 {
		d.t.Errorf("left behind: %v, %v", left, err)
	}
}

func (d *demo) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}
