package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"sync"
	"testing"

	"sshkeybot/internal/config"
)

// gate is a proxy of Slack's Web API that can make calls wait.
type gate struct {
	mu   sync.Mutex
	shut map[string]chan struct{} // by method
}

// before returns a change of the settings that has the bot call the API through the gate.
func (g *gate) before(t *testing.T) func(*config.Config) {
	t.Helper()
	return func(c *config.Config) {
		api, err := url.Parse(c.Slack.APIURL)
		if err != nil {
			t.Fatal(err)
		}
		to := &url.URL{Scheme: api.Scheme, Host: api.Host}
		transport := &http.Transport{}
		proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g.pass(r)
			proxy.ServeHTTP(w, r)
		}))
		t.Cleanup(func() {
			server.Close()
			transport.CloseIdleConnections()
		})
		c.Slack.APIURL = server.URL + api.Path
	}
}

func (g *gate) pass(r *http.Request) {
	g.mu.Lock()
	shut := g.shut[path.Base(r.URL.Path)]
	g.mu.Unlock()
	if shut == nil {
		return
	}
	select {
	case <-shut:
	case <-r.Context().Done():
	}
}

// hold makes the calls of a method wait until they are released.
func (g *gate) hold(method string) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	shut := make(chan struct{})
	g.shut = map[string]chan struct{}{method: shut}
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		close(shut)
		delete(g.shut, method)
	})
}
