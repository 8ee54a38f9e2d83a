package crash

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

var (
	rounds = flag.Int("crash.rounds", 1, "storms for each database")
	seed   = flag.Uint64("crash.seed", 0, "of the first storm; 0 takes the clock")
	image  = flag.String("crash.image", "", "a static binary that root runs as in the image and as a service")
)

// binary is the path of the program under test, and jumpy that of one whose clock is wrong by
// what a file says. TestMain builds them.
var binary, jumpy string

func TestMain(m *testing.M) {
	flag.Parse()
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	// Tests mostly wait, and all people of a storm have to act at the same time, however few
	// processors there are.
	if err := flag.Set("test.parallel", "64"); err != nil {
		panic(err)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sshkeybot-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "sshkeybot")
	jumpy = filepath.Join(dir, "jumpy", "sshkeybot") // under that name, the test binary runs the program
	for _, build := range [][]string{{"build", "-o", binary}, {"test", "-c", "-o", jumpy}} {
		if out, err := exec.Command("go", append(build, "-buildvcs=false", "-ldflags=-s -w", "sshkeybot/cmd/sshkeybot")...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
			return 1
		}
	}
	return m.Run()
}
