package sshkeybot

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sshkeybot/internal/sim/nodetest"
)

// typeScript returns a function that checks a literal against the TypeScript type of a
// manifest, and returns what the compiler says.
func typeScript(t *testing.T) func(literal string) (out []byte, err error) {
	t.Helper()
	dir := nodetest.Modules(t, "testdata/node")
	name := filepath.Join(dir, fmt.Sprintf("manifest-%d.ts", os.Getpid()))
	t.Cleanup(func() { _ = os.Remove(name) })
	return func(literal string) ([]byte, error) {
		text := "import type { AppsManifestValidateArguments } from '@slack/web-api';\n" +
			"export const manifest: Exclude<AppsManifestValidateArguments['manifest'], string> = " + literal + ";\n"
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "node", "node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--skipLibCheck",
			"--module", "nodenext", "--target", "es2022", filepath.Base(name))
		cmd.Dir = dir
		return cmd.CombinedOutput()
	}
}
