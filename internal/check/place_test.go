package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whether others get into a folder depends on those above it, too.
func TestFolder(t *testing.T) {
	t.Parallel()
	above, err := os.MkdirTemp("", "above") //nolint:usetesting // the folder of t.TempDir is below one that is closed
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(above) })
	dir := filepath.Join(above, "dir")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	open := func(name string, mode os.FileMode) {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		above, dir os.FileMode
		status     Status
		says       string
	}{
		{0o700, 0o755, OK, "others do not get into it"},
		{0o711, 0o700, OK, "others do not get into it"},
		{0o711, 0o750, OK, "others do not get into it"},
		{0o711, 0o755, Warning, "Others on this machine may look into"},
		{0o700, 0o777, Warning, "Everybody may replace the database"},
	} {
		open(above, c.above)
		open(dir, c.dir)
		if c.status == Warning && !openToOthers(filepath.Dir(above)) && c.dir == 0o755 {
			t.Skip("nobody else gets into the folder for temporary files")
		}
		if f := folder(dir); f.Status != c.status || !strings.Contains(f.Text, c.says) || (f.Remedy != "") != (c.status == Warning) {
			t.Errorf("%o below %o: %+v", c.dir, c.above, f)
		}
	}
	if f := folder(filepath.Join(dir, "none")); f.Status != Problem || f.Remedy == "" {
		t.Errorf("where there is none: %+v", f)
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	for left, want := range map[uint64]Status{0: Problem, 1: Warning, leastSpace - 1: Warning, leastSpace: OK} {
		if f := room("/data", left); f.Status != want || (f.Remedy == "") != (want == OK) {
			t.Errorf("with %d bytes left: %+v", left, f)
		}
	}
}
