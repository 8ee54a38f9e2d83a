package octopus

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestErrorBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"ErrorMessage":"There was a problem.","Errors":["The name is taken.","Choose another."],"FullException":"at Octopus.Core"}`: "There was a problem.; The name is taken.; Choose another.",
		`{"ErrorMessage":"Down","Errors":null,"Details":{"a":1},"HelpText":"x"}`:                                                      "Down",
		`{"ErrorMessage":{"a":1},"Errors":"text"}`:                                                                                    "Bad Request",
		`{"ErrorMessage":"","Errors":[1,null,"","one"]}`:                                                                              "Bad Request; one",
		`{"Errors":["1","2","3","4","5","6"]}`:                                                                                        "Bad Request; 1; 2; 3; 4; 5",
		`{"ErrorMessage":"two\r\n lines\u0007\u202e and ` + testKey + `"}`:                                                            "two lines and ***",
		`{"FullException":"at Octopus.Core"}`:                                                                                         "Bad Request",
		`[]`:                                                                                                                          "Bad Request",
		`"text"`:                                                                                                                      "the answer is not JSON",
		`<html>`:                                                                                                                      "the answer is not JSON",
		``:                                                                                                                            "the answer is not JSON",
	} {
		_, err := scripted(canned(400, body, nil)).Me(t.Context())
		if got, want := fmt.Sprint(err), "octopus: GET /api/users/me: 400: "+want; got != want {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestErrorsAreShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("many words ", 1000)
	body := `{"ErrorMessage":"` + long + `","Errors":["` + long + `","` + long + `"]}`
	_, err := scripted(canned(400, body, nil)).Me(t.Context())
	if n := len(fmt.Sprint(err)); n > 3*maxText+100 {
		t.Errorf("%d bytes", n)
	}
}

// Octopus, or something on the way, may repeat what it was sent.
func TestErrorsHoldNoPrivateKey(t *testing.T) {
	t.Parallel()
	file := string(pemFile(t))
	encoded := base64.StdEncoding.EncodeToString([]byte(file))
	lines := strings.Split(strings.TrimSpace(file), "\n")
	for name, quoted := range map[string]string{
		"the file": file, "on one line": strings.ReplaceAll(file, "\n", " "), "its base64": encoded,
		"a line": lines[2], "the last lines": strings.Join(lines[len(lines)-2:], "\n"),
		"the beginning": encoded[:30], "the middle": encoded[100:160],
	} {
		body := fmt.Sprintf(`{"ErrorMessage":%q,"Errors":[%[1]q,"The name is taken."]}`, "Cannot read "+quoted+" as a key")
		for verb, do := range verbs {
			err := do(t.Context(), scripted(canned(400, body, nil)))
			if shown := fmt.Sprintf("%v %+v %#v", err, err, asError(err)); strings.Contains(shown, quoted) || strings.Contains(shown, quoted[:len(quoted)/2]) {
				t.Errorf("%s of %s: %s", name, verb, shown)
			}
			if e := asError(err); e.Message != withheld || len(e.Details) != 2 || e.Details[1] != "The name is taken." {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestPlainTextIsRelayed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"The private key file is required.",
		"The host key is SHA256:uNiVztksCsDhcc0u9e8BrJQXVUpKZIDTMczCvj3tD2s, which is another one.",
		"You do not have permission AccountEdit in space Default (Spaces-1).",
	} {
		_, err := scripted(canned(403, fmt.Sprintf(`{"ErrorMessage":%q}`, text), nil)).Me(t.Context())
		if e := asError(err); e == nil || e.Message != text {
			t.Errorf("%v", err)
		}
	}
}

func TestKindsOfErrors(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(error) bool{
		"unauthorized": IsUnauthorized, "forbidden": IsForbidden, "not found": IsNotFound, "invalid": IsInvalid, "limited": IsRateLimited,
	}
	for _, tt := range []struct {
		status int
		body   string
		want   string
	}{
		{400, `{}`, "invalid"},
		{409, `{}`, "invalid"},
		{401, `{}`, "unauthorized"},
		{401, ``, "unauthorized"},
		{403, `{}`, "forbidden"},
		{403, `<html>`, ""},
		{404, `{}`, "not found"},
		{404, `<html>`, ""},
		{400, `<html>`, ""},
		{405, `{}`, ""},
		{429, ``, "limited"},
		{500, `{}`, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			_, err := scripted(canned(tt.status, tt.body, nil)).Me(t.Context())
			err = fmt.Errorf("wrapped: %w", err)
			for kind, is := range kinds {
				if is(err) != (kind == tt.want) {
					t.Errorf("%d %q is %s: %v", tt.status, tt.body, kind, is(err))
				}
			}
			if errors.Is(err, ErrNotJSON) != (tt.body != `{}`) {
				t.Errorf("%v", err)
			}
		})
	}
	for _, is := range kinds {
		if is(nil) || is(errors.New("x")) {
			t.Error("an error of something else has a kind")
		}
	}
}

func TestErrorUnwraps(t *testing.T) {
	t.Parallel()
	_, err := scripted(nil).Me(t.Context())
	if !errors.Is(err, errCut) {
		t.Errorf("%v", err)
	}
	want := &Error{Op: "GET /api/users/me", Message: errCut.Error()}
	got := *asError(err)
	got.Err = nil
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Error(diff)
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{`{"ErrorMessage":"x","Errors":["y"]}`, `{"Errors":[[]]}`, `[`, `{"ErrorMessage":"` + testKey + `"}`} {
		f.Add([]byte(seed))
	}
	clean := newCleaner(testKey)
	f.Fuzz(func(t *testing.T, body []byte) {
		message, details := errorBody(body, clean)
		for _, text := range append(details, message) {
			if len([]rune(text)) > maxText || strings.ContainsAny(text, "\x00\r\n\t") || strings.Contains(text, testKey) {
				t.Errorf("%q", text)
			}
		}
		if len(details) > maxDetails {
			t.Errorf("%d details", len(details))
		}
	})
}
