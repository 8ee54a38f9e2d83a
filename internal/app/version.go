package app

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// What the linker says of a release. Version is that of the program; commit is what it was built from, and date is
// that commit's, in RFC 3339.
var (
	Version      = "dev"
	commit, date string
)

// BuildInfo says which program this is. What is not known is empty.
type BuildInfo struct {
	Version  string // of a release, or what Go makes of the commit; or "dev"
	Commit   string // the whole hash
	Date     string // of the commit, in RFC 3339
	Modified bool   // whether the files differed from the commit
	Go       string // the version of Go that built it
}

// Build returns which program this is: as the linker says, or else as Go has noted when it built the program.
func Build() BuildInfo {
	noted, ok := debug.ReadBuildInfo()
	if !ok {
		noted = &debug.BuildInfo{}
	}
	return buildInfo(BuildInfo{Version: Version, Commit: commit, Date: date, Go: runtime.Version()}, noted)
}

// buildInfo returns linked, completed by what Go has noted. If the linker says which commit it was, that is all: what
// Go notes may be of a folder around the one that was built.
func buildInfo(linked BuildInfo, noted *debug.BuildInfo) BuildInfo {
	if linked.Commit != "" {
		return linked
	}
	if v := noted.Main.Version; linked.Version == "dev" && v != "" && v != "(devel)" {
		linked.Version = v
	}
	for _, s := range noted.Settings {
		switch s.Key {
		case "vcs.revision":
			linked.Commit = s.Value
		case "vcs.time":
			linked.Date = s.Value
		case "vcs.modified":
			linked.Modified = s.Value == "true"
		}
	}
	return linked
}

// String returns the version for people, with the rest in parentheses.
func (b BuildInfo) String() string {
	var parts []string
	if b.Commit != "" {
		parts = append(parts, "commit "+b.Commit[:min(len(b.Commit), 12)])
	}
	if b.Modified {
		parts = append(parts, "modified")
	}
	if b.Date != "" {
		parts = append(parts, b.Date)
	}
	parts = append(parts, fmt.Sprintf("%s %s/%s", b.Go, runtime.GOOS, runtime.GOARCH))
	return fmt.Sprintf("%s (%s)", b.Version, strings.Join(parts, ", "))
}
