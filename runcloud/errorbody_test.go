package runcloud

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestErrorBody(t *testing.T) {
	t.Parallel()
	type want struct {
		Message string
		Fields  map[string][]string
	}
	tests := map[string]struct {
		body string
		want want
	}{
		"lists":         {`{"message":"No.","errors":{"label":["Taken.","Long."]}}`, want{"No.", map[string][]string{"label": {"Taken.", "Long."}}}},
		"strings":       {`{"message":"No.","errors":{"label":"Taken."}}`, want{"No.", map[string][]string{"label": {"Taken."}}}},
		"list":          {`{"message":"No.","errors":["Taken."]}`, want{"No.", map[string][]string{"": {"Taken."}}}},
		"one string":    {`{"message":"No.","errors":"Taken."}`, want{"No.", map[string][]string{"": {"Taken."}}}},
		"nested":        {`{"errors":{"key":{"b":["Two."],"a":{"x":"One."}}}}`, want{"", map[string][]string{"key": {"One.", "Two."}}}},
		"absent":        {`{"message":"No."}`, want{"No.", nil}},
		"null":          {`{"message":null,"errors":null}`, want{}},
		"numbers":       {`{"message":7,"errors":{"label":[1,true,null]}}`, want{}},
		"error":         {`{"error":"Gone."}`, want{"Gone.", nil}},
		"array":         {`["No."]`, want{}},
		"empty objects": {`{"errors":{"label":[],"":{}}}`, want{}},
		"control":       {`{"message":"a\u0000b\u001b[31m\nc\u202ed\u2028e"}`, want{"ab[31m cd e", nil}},
		"token":         {`{"message":"Bearer ` + testToken + ` is bad"}`, want{"Bearer *** is bad", nil}},
		"token in two":  {`{"message":"` + testToken[:20] + `\u0000` + testToken[20:] + `"}`, want{"***", nil}},
		"signature":     {`{"message":"sig c2lnbmF0dXJlLW9mLXRlc3Q!"}`, want{"sig ***!", nil}},
		"key":           {`{"message":"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC+\/u== jo: bad"}`, want{"ssh-rsa *** jo: bad", nil}},
		"key of a list": {`{"errors":{"publicKey":["ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlz… is taken."]}}`, want{"", map[string][]string{"publicKey": {"ecdsa-sha2-nistp256 ***… is taken."}}}},
		"token as name": {`{"errors":{"` + testToken + `":["x"]}}`, want{"", map[string][]string{"***": {"x"}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			message, fields := errorBody([]byte(tt.body), newCleaner(testToken))
			if diff := cmp.Diff(tt.want, want{message, fields}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTokenAtTheCut(t *testing.T) {
	t.Parallel()
	clean := newCleaner(testToken)
	for pad := range maxText {
		got := clean.text(strings.Repeat("x", pad) + testToken + strings.Repeat("y", maxText))
		if strings.Contains(got, testToken[:8]) {
			t.Fatalf("pad %d shows the beginning of the token: %q", pad, got)
		}
	}
}

func TestShortAndEmptyTokens(t *testing.T) {
	t.Parallel()
	if got := newCleaner("").text("plain text"); got != "plain text" {
		t.Errorf("%q", got)
	}
	if got := newCleaner("abc.def").text("abc def abc.def"); got != "abc def ***" {
		t.Errorf("%q", got)
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{
		``, `<html>`, `{}`, `[]`, `null`, `{"message":"x","errors":{"a":["b"]}}`, `{"errors":[[[[[["deep"]]]]]]}`,
		`{"message":"` + testToken + `"}`, `{"errors":{"` + testToken + `":"` + testToken + `"}}`,
		`{"message":"` + strings.Repeat("é", 500) + `"}`, "{\"message\":\"\xff\xfe\u0007\"}",
		`{"message":"` + testToken[:30] + `\u200b` + testToken[30:] + `"}`,
	} {
		f.Add([]byte(seed), 422)
	}
	clean := newCleaner(testToken)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		rep := &reply{status: status, body: body}
		req, err := New(testToken).request(t.Context(), "DELETE", "/servers/1/ssh/credentials/2", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		e := refusal(req, rep, clean)
		text := e.Error()
		if strings.Contains(text, testToken) {
			t.Errorf("the token is in %q", text)
		}
		if most := maxText * (maxFields*maxTexts + 2) * 2; utf8.RuneCountInString(text) > most {
			t.Errorf("%d runes", utf8.RuneCountInString(text))
		}
		if utf8.RuneCountInString(e.Message) > maxText+len(unauthorized)+3 || len(e.Fields) > maxFields {
			t.Errorf("message of %d bytes, %d fields", len(e.Message), len(e.Fields))
		}
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("unclean text %q", text)
		}
	})
}
