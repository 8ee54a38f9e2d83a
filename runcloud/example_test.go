package runcloud_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"sshkeybot/internal/limiter"
	"sshkeybot/runcloud"
)

func Example() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[{"id":7,"name":"web-01","online":true}],"meta":{"pagination":{"total":1,"total_pages":1}}}`)
	}))
	defer srv.Close()

	client := runcloud.New("the workspace token", runcloud.WithBaseURL(srv.URL))
	servers, err := client.AllServers(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range servers {
		fmt.Println(s.ID, s.Name, s.Online)
	}
	// Output: 7 web-01 true
}

// Taking access away goes before everything else, and "not there" is as good as removed.
func ExampleClient_DeleteSSHCredential() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"message":"Resources not found."}`)
	}))
	defer srv.Close()

	client := runcloud.New("the workspace token", runcloud.WithBaseURL(srv.URL))
	ctx := limiter.WithPriority(context.Background(), limiter.High)
	err := client.DeleteSSHCredential(ctx, 7, 4711)
	fmt.Println(err)
	fmt.Println(err == nil || runcloud.IsNotFound(err))
	// Output:
	// runcloud: DELETE /servers/7/ssh/credentials/4711: 404: Resources not found.
	// true
}
