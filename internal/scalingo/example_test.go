package scalingo_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"sshkeybot/internal/limiter"
	"sshkeybot/internal/scalingo"
)

// served plays an account with one key.
func served() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/tokens/exchange", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"token":"a JSON web token"}`)
	})
	mux.HandleFunc("GET /v1/keys", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"keys":[{"id":"5343eccd","name":"laptop","content":"ssh-ed25519 AAAA… laptop"}]}`)
	})
	return httptest.NewServer(mux)
}

func Example() {
	srv := served()
	defer srv.Close()

	client := scalingo.New("tk-us-…", scalingo.WithBaseURL(srv.URL))
	keys, err := client.Keys(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, k := range keys {
		fmt.Println(k.ID, k.Name)
	}
	// Output: 5343eccd laptop
}

// Taking access away goes before everything else, and "not there" is as good as removed.
func ExampleClient_DeleteKey() {
	srv := served()
	defer srv.Close()

	client := scalingo.New("tk-us-…", scalingo.WithBaseURL(srv.URL))
	ctx := limiter.WithPriority(context.Background(), limiter.High)
	err := client.DeleteKey(ctx, "5343ffff")
	fmt.Println(err)
	fmt.Println(err == nil || scalingo.IsNotFound(err))
	// Output:
	// scalingo: delete key: 404: Not Found
	// true
}
