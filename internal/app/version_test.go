package app

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestBuildInfo(t *testing.T) {
	t.Parallel()
	const hash = "0123456789abcdef0123456789abcdef01234567"
	noted := func(version string, settings ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{Main: debug.Module{Version: version}}
		for i := 0; i < len(settings); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return info
	}
	machine := "go1.99 " + runtime.GOOS + "/" + runtime.GOARCH
	for name, row := range map[string]struct {
		linked BuildInfo
		noted  *debug.BuildInfo
		want   string
	}{
		"nothing known": {BuildInfo{Version: "dev"}, noted(""), "dev (" + machine + ")"},
		"no repository": {BuildInfo{Version: "dev"}, noted("(devel)", "CGO_ENABLED", "0"), "dev (" + machine + ")"},
		"a commit": {
			BuildInfo{Version: "dev"}, noted("v0.0.0-20261201100000-0123456789ab", "vcs.revision", hash, "vcs.time", "2026-12-01T10:00:00Z", "vcs.modified", "false"),
			"v0.0.0-20261201100000-0123456789ab (commit 0123456789ab, 2026-12-01T10:00:00Z, " + machine + ")",
		},
		"changed files": {
			BuildInfo{Version: "dev"}, noted("v1.2.3+dirty", "vcs.revision", hash, "vcs.time", "2026-12-01T10:00:00Z", "vcs.modified", "true"),
			"v1.2.3+dirty (commit 0123456789ab, modified, 2026-12-01T10:00:00Z, " + machine + ")",
		},
		"a module": {BuildInfo{Version: "dev"}, noted("v1.2.3"), "v1.2.3 (" + machine + ")"},
		"a release": {
			BuildInfo{Version: "v1.2.3", Commit: hash, Date: "2026-12-01T10:00:00Z"}, noted("(devel)"),
			"v1.2.3 (commit 0123456789ab, 2026-12-01T10:00:00Z, " + machine + ")",
		},
		"a release in another repository": {
			BuildInfo{Version: "v1.2.3", Commit: hash}, noted("v9", "vcs.revision", "ffff", "vcs.time", "1999", "vcs.modified", "true"),
			"v1.2.3 (commit 0123456789ab, " + machine + ")",
		},
		"a version alone": {BuildInfo{Version: "v1.2.3"}, noted("(devel)"), "v1.2.3 (" + machine + ")"},
	} {
		row.linked.Go = "go1.99"
		if got := buildInfo(row.linked, row.noted).String(); got != row.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, row.want)
		}
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	if b := Build(); b.Version == "" || b.Go != runtime.Version() {
		t.Errorf("this program is %+v", b)
	}
}
