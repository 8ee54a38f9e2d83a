package octopus

import (
	"testing"
)

func parsed(t *testing.T, text string) Version {
	t.Helper()
	v, err := ParseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVersionsAscend(t *testing.T) {
	t.Parallel()
	ascending := []string{"0.0.0-local", "3.17.14", "2020.6.4671", "2021.1.999", Ed25519Since, "2021.1.10000", "2021.2.1", "2026.3.2", "2026.3.10", "2026.3.10.1", "2026.10.0"}
	for i, a := range ascending {
		for j, b := range ascending {
			v, w := parsed(t, a), parsed(t, b)
			if c := v.Compare(w); (c < 0) != (i < j) || (c > 0) != (i > j) || v.AtLeast(w) != (i >= j) {
				t.Errorf("%s and %s: %d", a, b, c)
			}
		}
		if got, want := parsed(t, a).TakesEd25519(), i >= 4; got != want {
			t.Errorf("%s takes Ed25519: %v", a, got)
		}
	}
}

func TestVersionForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026.3.1234": "2026.3.1234", " 2026.3.1234\n": "2026.3.1234", "2026.3": "2026.3.0", "2026": "2026.0.0", "2021.1.7466.3": "2021.1.7466.3",
		"2026.3.1234-hotfix.2": "2026.3.1234", "2020.5.0-rc.4+Branch.tags.Sha.b1cb634": "2020.5.0", "2026.3.1.2.9": "2026.3.1.2", "2026.3.x": "2026.3.0",
	} {
		if got := parsed(t, text).String(); got != want {
			t.Errorf("%q is read as %s", text, got)
		}
	}
	for _, text := range []string{"", "x", "v2026.3.1", ".1", "-1", "99999999999"} {
		if v, err := ParseVersion(text); err == nil {
			t.Errorf("%q is read as %s", text, v)
		}
	}
}
