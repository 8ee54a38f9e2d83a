package slacksim

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// method is one method of the Web API. do runs with mu held.
type method struct {
	scope string // needed of the bot token; empty needs none
	app   bool   // wants the app-level token, in the header only
	do    func(*Workspace, args) (map[string]any, error)
}

func methods() map[string]method {
	return map[string]method{
		"auth.test":                    {do: (*Workspace).authTest},
		"apps.connections.open":        {app: true, do: (*Workspace).connectionsOpen},
		"bots.info":                    {scope: "users:read", do: (*Workspace).botsInfo},
		"chat.postMessage":             {scope: "chat:write", do: (*Workspace).postMessage},
		"chat.update":                  {scope: "chat:write", do: (*Workspace).updateMessage},
		"chat.delete":                  {scope: "chat:write", do: (*Workspace).deleteMessage},
		"chat.postEphemeral":           {scope: "chat:write", do: (*Workspace).postEphemeral},
		"chat.getPermalink":            {do: (*Workspace).permalink},
		"conversations.open":           {scope: "im:write", do: (*Workspace).conversationsOpen},
		"conversations.info":           {scope: "channels:read", do: (*Workspace).conversationsInfo},
		"conversations.members":        {scope: "channels:read", do: (*Workspace).conversationsMembers},
		"users.info":                   {scope: "users:read", do: (*Workspace).usersInfo},
		"users.list":                   {scope: "users:read", do: (*Workspace).usersList},
		"users.lookupByEmail":          {scope: "users:read.email", do: (*Workspace).usersLookup},
		"usergroups.list":              {scope: "usergroups:read", do: (*Workspace).groupsList},
		"usergroups.users.list":        {scope: "usergroups:read", do: (*Workspace).groupUsers},
		"views.open":                   {do: (*Workspace).viewsOpen},
		"views.push":                   {do: (*Workspace).viewsPush},
		"views.update":                 {do: (*Workspace).viewsUpdate},
		"views.publish":                {do: (*Workspace).viewsPublish},
		"files.getUploadURLExternal":   {scope: "files:write", do: (*Workspace).uploadURL},
		"files.completeUploadExternal": {scope: "files:write", do: (*Workspace).completeUpload},
		"reactions.add":                {scope: "reactions:write", do: (*Workspace).reactionsAdd},
	}
}

func (w *Workspace) handler() http.Handler {
	mux := http.NewServeMux()
	table := methods()
	mux.HandleFunc("/api/{method}", func(rw http.ResponseWriter, r *http.Request) { w.serveAPI(rw, r, table) })
	mux.HandleFunc("GET /link/", w.serveSocket)
	mux.HandleFunc("POST /respond/{id}", w.serveHook)
	mux.HandleFunc("POST /upload/{id}", w.serveUpload)
	mux.HandleFunc("GET /files/{id}", w.serveFile)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Date", w.opt.Date().UTC().Format(http.TimeFormat))
		w.mu.Lock()
		away := w.outage != Up
		w.mu.Unlock()
		if away {
			http.Error(rw, "service unavailable", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(rw, r)
	})
}

func (w *Workspace) serveAPI(rw http.ResponseWriter, r *http.Request, table map[string]method) {
	began := time.Now()
	name := r.PathValue("method")
	call := Call{Method: name, At: w.opt.Now()}
	a, err := readArgs(r)
	call.Channel = a.str("channel")
	fault, failing := w.takeFault(name)
	if failing && fault.Delay > 0 {
		pause(r.Context().Done(), fault.Delay)
	}
	answer, faulty := fault.reply()
	if !faulty || fault.After {
		done := reply{err: err}
		if err == nil {
			done = w.run(name, table, a, r)
		}
		if !faulty {
			answer = done
		}
	}
	call.Status, call.Error = answer.outcome()
	call.Latency = time.Since(began)
	w.logCall(call) // first: who has the answer may read the log
	answer.write(rw, w.grantedScopes())
}

// pause waits for d or until done.
func pause(done <-chan struct{}, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-done:
	}
}

// reply is what the fault answers; false when it only delays.
func (f Fault) reply() (reply, bool) {
	switch {
	case f.Cut:
		return reply{cut: true}, true
	case f.Status != 0:
		return reply{status: f.Status, retryAfter: f.RetryAfter}, true
	case f.Error != "":
		return reply{err: refuse(f.Error)}, true
	default:
		return reply{}, false
	}
}

func (w *Workspace) run(name string, table map[string]method, a args, r *http.Request) reply {
	m, known := table[name]
	if !known {
		return reply{err: refuse("unknown_method")}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.authorise(m, a, r.Header.Get("Authorization")); err != nil {
		return reply{err: err}
	}
	if wait := w.limited(name, a.str("channel")); wait > 0 {
		return reply{retryAfter: wait}
	}
	body, err := m.do(w, a)
	w.touch()
	return reply{body: body, err: err}
}

// authorise checks the token and its scopes. The app-level token counts only in
// the header (apps.connections.open), the bot token in header or form.
func (w *Workspace) authorise(m method, a args, header string) error {
	bearer := strings.TrimPrefix(header, "Bearer ")
	token := bearer
	if token == "" && !m.app {
		token = a.str("token")
	}
	want, other := w.BotToken(), w.AppToken()
	if m.app {
		want, other = other, want
	}
	switch {
	case token == "":
		return refuse("not_authed")
	case token == other:
		return refuse("not_allowed_token_type")
	case token != want:
		return refuse("invalid_auth")
	case m.scope != "" && !w.granted(m.scope):
		return &apiError{code: "missing_scope", extra: map[string]any{
			"needed": m.scope, "provided": strings.Join(w.scopes, ","),
		}}
	}
	return nil
}

// granted asks for a scope; a right to read channels covers private groups here too.
func (w *Workspace) granted(scope string) bool {
	if scope == "channels:read" && slices.Contains(w.scopes, "groups:read") {
		return true
	}
	return slices.Contains(w.scopes, scope)
}

func (w *Workspace) grantedScopes() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.scopes, ",")
}

// reply is how a call is answered: with the body, unless something else is set.
type reply struct {
	body       map[string]any
	err        error
	retryAfter time.Duration
	status     int  // of an answer that is not Slack's JSON
	cut        bool // the connection, instead of an answer
}

// outcome is what the log of calls says of the reply.
func (p reply) outcome() (status int, code string) {
	switch {
	case p.cut:
		return 0, ""
	case p.status != 0:
		return p.status, ""
	case p.retryAfter > 0:
		return http.StatusTooManyRequests, "ratelimited"
	case p.err != nil:
		return http.StatusOK, p.refusal().code
	default:
		return http.StatusOK, ""
	}
}

func (p reply) refusal() *apiError {
	bad := refuse("internal_error")
	_ = errors.As(p.err, &bad)
	return bad
}

func (p reply) write(rw http.ResponseWriter, scopes string) {
	rw.Header().Set("X-OAuth-Scopes", scopes)
	if p.retryAfter > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(int(p.retryAfter.Seconds())))
	}
	switch {
	case p.cut:
		cut(rw)
	case p.status != 0:
		http.Error(rw, http.StatusText(p.status), p.status)
	case p.retryAfter > 0:
		writeJSON(rw, http.StatusTooManyRequests, refuse("ratelimited").body())
	case p.err != nil:
		writeJSON(rw, http.StatusOK, p.refusal().body())
	default:
		body := map[string]any{"ok": true}
		maps.Copy(body, p.body)
		writeJSON(rw, http.StatusOK, body)
	}
}

func writeJSON(rw http.ResponseWriter, status int, body any) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(body) // the peer is gone if this fails
}
