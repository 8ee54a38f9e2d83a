package octopus_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"sshkeybot/internal/octopus"
)

// play is an Octopus server with one account.
func play(w http.ResponseWriter, r *http.Request) {
	answers := map[string]string{
		"/api/spaces":            `{"Items":[{"Id":"Spaces-1","Name":"Default"}],"TotalResults":1}`,
		"/api/Spaces-1/accounts": `{"Items":[{"Id":"Accounts-1","Name":"deploy","AccountType":"SshKeyPair"}],"TotalResults":1}`,
		"/api/Spaces-1/accounts/Accounts-1": `{"Id":"Accounts-1","Name":"deploy","AccountType":"SshKeyPair",
			"LastModifiedOn":"2026-08-19T10:13:14.000+00:00"}`,
	}
	_, _ = io.WriteString(w, answers[r.URL.Path])
}

// A new private key for an account that people know by its name.
func Example() {
	srv := httptest.NewServer(http.HandlerFunc(play))
	defer srv.Close()
	ctx := context.Background()
	client := octopus.New(srv.URL, "API-…")
	space, err := client.Space(ctx, "Default")
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err := client.FindAccount(ctx, space.ID, "deploy")
	if err != nil {
		fmt.Println(err)
		return
	}
	account, err = client.UpdateAccount(ctx, space.ID, account.WithPrivateKey([]byte("the content of a key file")))
	if octopus.IsOutcomeUnknown(err) {
		account, err = client.Account(ctx, space.ID, account.ID()) // did it go in?
	}
	fmt.Println(account, err)
	fmt.Println(account.LastModifiedOn())
	// Output:
	// account Accounts-1 "deploy" (SshKeyPair) <nil>
	// 2026-08-19 10:13:14 +0000 UTC
}
