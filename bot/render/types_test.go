package render

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sshkeybot/internal/sim/nodetest"

	"github.com/slack-go/slack"
)

// TestSlacksOwnTypes has TypeScript check everything drawn against the types that Slack publishes.
func TestSlacksOwnTypes(t *testing.T) {
	t.Parallel()
	dir := nodetest.Modules(t, "testdata/node")
	name := filepath.Join(dir, fmt.Sprintf("drawn-%d.ts", os.Getpid()))
	if err := os.WriteFile(name, typeScript(t), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(name) })
	cmd := exec.CommandContext(t.Context(), "node", "node_modules/typescript/bin/tsc", "--noEmit", "--strict",
		"--module", "nodenext", "--target", "es2022", filepath.Base(name))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%.4000s", err, out)
	}
}

// typeScript declares each thing drawn as a constant of its type. Literals are checked for unknown fields.
func typeScript(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	out.WriteString("import type { HomeView, KnownBlock, ModalView } from '@slack/types';\ntype M = { text: string; blocks: KnownBlock[] };\n")
	for variant, cases := range allCases() {
		for name, drawn := range cases {
			kind := "M"
			switch drawn.(type) {
			case []byte:
				continue
			case []Message:
				kind = "M[]"
			case slack.ModalViewRequest:
				kind = "ModalView"
			case slack.HomeTabViewRequest:
				kind = "HomeView"
			}
			fmt.Fprintf(&out, "export const %s_%s: %s = %s;\n", variant, strings.ReplaceAll(name, "-", "_"), kind, encode(t, drawn))
		}
	}
	return out.Bytes()
}
