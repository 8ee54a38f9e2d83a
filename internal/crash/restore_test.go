package crash

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRestoreIsKilled kills the command that puts a copy in place, at any moment. There is always one
// whole ledger in place: the one of before, with what was only in its write-ahead log, or the copy, and
// that only marked as restored. The same command typed again gets it done.
func TestRestoreIsKilled(t *testing.T) {
	t.Parallel()
	s := newStage(t, onSQLite(t), setup{servers: 3, seed: *seed})
	place := strings.TrimPrefix(s.ledger.url, "sqlite:")
	file := filepath.Join(t.TempDir(), "copy.db")
	s.up(1)
	s.registers(s.person("alice", ed25519Key(t)))
	s.succeeds("backup", file)
	s.registers(s.person("bob", ed25519Key(t)))
	s.child(0).kill() // which leaves a write-ahead log

	before := contents(t, place, place+"-wal")
	random := rand.New(rand.NewPCG(*seed, 1))
	longest := 10 * time.Millisecond
	reset := func() {
		_ = os.Remove(place) // which may have another name, too
		for path, content := range before {
			write(t, path, content, 0o600)
		}
	}
	for was := map[bool]int{}; was[true] < 3 || was[false] < 3; {
		reset()
		c := start(t, s.command("restore", file))
		pause(time.Duration(random.Int64N(int64(longest))))
		c.kill()
		restored := s.inPlace(place)
		if was[restored]++; restored {
			longest -= longest / 8
		} else {
			longest += longest / 4
		}
		if was[true]+was[false] > 200 {
			t.Fatalf("put in place %d times and not %d times", was[true], was[false])
		}
	}
	reset()
	s.succeeds("restore", file)
	if !s.inPlace(place) {
		t.Error("the copy is not in place")
	}
	if left, err := filepath.Glob(place + ".restoring*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// contents returns what is in files.
func contents(t *testing.T, paths ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[path] = string(content)
	}
	return found
}

func (s stage) succeeds(args ...string) {
	s.Helper()
	if out, err := s.command(args...).CombinedOutput(); err != nil {
		s.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// inPlace reports whether the ledger in place is the copy, and checks that it is a whole one.
func (s stage) inPlace(place string) (restored bool) {
	s.Helper()
	s.succeeds("log", "verify")
	people := s.ledger.texts(s.T, "SELECT person FROM person_keys ORDER BY person")
	restored = len(people) == 1
	if marked := len(s.ledger.texts(s.T, "SELECT value FROM flags WHERE name = 'restored'")) == 1; marked != restored || len(people) == 0 {
		s.Fatalf("keys of %v, marked as restored: %t", people, marked)
	}
	if !restored {
		return false
	}
	kept, err := filepath.Glob(place + ".before-restore-*")
	if err != nil || len(kept) == 0 {
		s.Fatalf("the ledger of before is nowhere: %v, %v", kept, err)
	}
	for _, path := range kept {
		if !strings.HasSuffix(path, "-wal") {
			old := database{driver: s.ledger.driver, source: strings.Replace(s.ledger.source, place, path, 1)}
			if people := old.texts(s.T, "SELECT person FROM person_keys"); len(people) != 2 {
				s.Errorf("what is kept has the keys of %v", people)
			}
		}
	}
	for _, path := range kept {
		_ = os.Remove(path)
	}
	return true
}
