package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
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
		"chat.postMessage":             {scope: "chat:write", do: (*Workspace).postMessage},
		"chat.update":                  {scope: "chat:write", do: (*Workspace).updateMessage},
		"chat.delete":                  {scope: "chat:write", do: (*Workspace).deleteMessage},
		"chat.postEphemeral":           {scope: "chat:write", do: (*Workspace).postEphemeral},
		"chat.getPermalink":            {do: (*Workspace).permalink},
		"conversations.info":           {do: (*Workspace).conversationsInfo},
		"users.info":                   {scope: "users:read", do: (*Workspace).usersInfo},
		"users.list":                   {scope: "users:read", do: (*Workspace).usersList},
		"usergroups.users.list":        {scope: "usergroups:read", do: (*Workspace).groupUsers},
		"views.open":                   {do: (*Workspace).viewsOpen},
		"views.update":                 {do: (*Workspace).viewsUpdate},
		"views.publish":                {do: (*Workspace).viewsPublish},
		"files.getUploadURLExternal":   {scope: "files:write", do: (*Workspace).uploadURL},
		"files.completeUploadExternal": {scope: "files:write", do: (*Workspace).completeUpload},
	}
}

func (w *Workspace) handler() http.Handler {
	mux := http.NewServeMux()
	table := methods()
	mux.HandleFunc("/api/{method}", func(rw http.ResponseWriter, r *http.Request) { w.serveAPI(rw, r, table) })
	mux.HandleFunc("GET /link/", w.serveSocket)
	mux.HandleFunc("POST /respond/{id}", w.serveResponseURL)
	mux.HandleFunc("POST /upload/{id}", w.serveUpload)
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
	name := r.PathValue("method")
	a, err := readArgs(r)
	fault, failing := w.takeFault(name)
	if failing && fault.Delay > 0 {
		pause(r.Context().Done(), fault.Delay)
	}
	answer, faulty := fault.reply()
	if !faulty || fault.After {
		var done reply
		if err != nil {
			done = refusal(err)
		} else {
			done = w.run(name, table, a, r)
		}
		if !faulty {
			answer = done
		}
	}
	rw.Header().Set("X-OAuth-Scopes", w.grantedScopes())
	w.logCall(Call{Method: name, Channel: a.str("channel"), Status: answer.status, Error: answer.code}) // first: who has the answer may read the log
	answer.write(rw)
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

func (w *Workspace) run(name string, table map[string]method, a args, r *http.Request) reply {
	m, known := table[name]
	if !known {
		return refusal(refuse("unknown_method"))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.authorise(m, a, r.Header.Get("Authorization")); err != nil {
		return refusal(err)
	}
	if wait := w.limited(name, a.str("channel")); wait > 0 {
		answer := refusal(refuse("ratelimited"))
		answer.status, answer.retryAfter = http.StatusTooManyRequests, wait
		return answer
	}
	body, err := m.do(w, a)
	w.notify()
	if err != nil {
		return refusal(err)
	}
	all := map[string]any{"ok": true}
	maps.Copy(all, body)
	return reply{status: http.StatusOK, body: all}
}

// authorise checks the token and its scopes. The app-level token counts only in
// the header (apps.connections.open), the bot token in header or form.
func (w *Workspace) authorise(m method, a args, header string) error {
	token := strings.TrimPrefix(header, "Bearer ")
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
		return w.lacks(m.scope)
	}
	return nil
}

// lacks is the refusal of a call for which the bot has not the scope.
func (w *Workspace) lacks(scope string) *apiError {
	return &apiError{code: "missing_scope", extra: map[string]any{
		"needed": scope, "provided": strings.Join(w.scopes, ","),
	}}
}

// granted reports whether the bot has a scope.
func (w *Workspace) granted(scope string) bool { return slices.Contains(w.scopes, scope) }

func (w *Workspace) grantedScopes() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.scopes, ",")
}

func (w *Workspace) authTest(args) (map[string]any, error) {
	m := map[string]any{
		"url": "https://" + teamDomain + ".slack.com/", "team": teamDomain, "user": botName,
		"team_id": teamID, "user_id": botUserID, "bot_id": botID, "is_enterprise_install": false,
	}
	if w.opt.EnterpriseID != "" {
		m["enterprise_id"] = w.opt.EnterpriseID
	}
	return m, nil
}

// connectionsOpen returns the address of one socket, good for one connection.
func (w *Workspace) connectionsOpen(args) (map[string]any, error) {
	ticket := w.nextID("ticket-")
	w.tickets[ticket] = true
	return map[string]any{"url": fmt.Sprintf("ws://%s/link/?ticket=%s&app_id=%s", w.addr, ticket, appID)}, nil
}

// apiError is an answer with ok:false.
type apiError struct {
	code     string
	messages []string       // response_metadata.messages
	extra    map[string]any // further top-level fields
}

func (e *apiError) Error() string { return e.code }

func refuse(code string, messages ...string) *apiError {
	return &apiError{code: code, messages: messages}
}

func (e *apiError) body() map[string]any {
	body := map[string]any{"ok": false, "error": e.code}
	if len(e.messages) > 0 {
		lines := make([]string, len(e.messages))
		for i, m := range e.messages {
			lines[i] = "[ERROR] " + m
		}
		body["response_metadata"] = map[string]any{"messages": lines}
	}
	maps.Copy(body, e.extra)
	return body
}

// reply is the answer to a call.
type reply struct {
	status     int            // 0: the connection is cut instead
	code       string         // Slack's error code, empty when ok
	body       map[string]any // nil: plain text
	retryAfter time.Duration
}

// refusal returns the answer with ok:false for an error.
func refusal(err error) reply {
	bad := refuse("internal_error")
	_ = errors.As(err, &bad)
	return reply{status: http.StatusOK, code: bad.code, body: bad.body()}
}

func (p reply) write(rw http.ResponseWriter) {
	if p.retryAfter > 0 {
		rw.Header().Set("Retry-After", strconv.Itoa(int(p.retryAfter.Seconds())))
	}
	switch {
	case p.status == 0:
		cut(rw)
	case p.body == nil:
		http.Error(rw, http.StatusText(p.status), p.status)
	default:
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		rw.WriteHeader(p.status)
		_ = json.NewEncoder(rw).Encode(p.body) // the peer is gone if this fails
	}
}
