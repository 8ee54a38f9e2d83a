package runcloudsim

import "net/http"

// outcome is what applying a call came to.
type outcome struct {
	answer     answer
	applied    bool // the account's state changed
	credential int64
	wait       <-chan struct{} // not nil: nothing happened yet, try again once this is closed
}

func say(ans answer) outcome { return outcome{answer: ans} }

// apply carries a call out, all of it or nothing.
func (a *Account) apply(r request, shift int) outcome {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r.op {
	case OpPing:
		return say(message(http.StatusOK, "pong"))
	case OpListServers:
		return say(list(a, a.window(r, shift), a.servers, a.serverJSON))
	case OpOther:
		return say(a.unknownAddress(r))
	}
	s := a.byID[r.server]
	if s == nil {
		return say(notFound())
	}
	a.settle(s)
	return a.applyTo(s, r, shift)
}

func (a *Account) applyTo(s *server, r request, shift int) outcome {
	switch r.op {
	case OpGetServer:
		return say(jsonAnswer(http.StatusOK, a.serverJSON(s)))
	case OpListUsers:
		return say(list(a, a.window(r, shift), s.users, s.userJSON))
	case OpListCredentials:
		return say(a.listCredentials(s, a.window(r, shift)))
	case OpSettings:
		return say(jsonAnswer(http.StatusOK, sshSettingsJSON{PreventRootLogin: s.PreventRootLogin, PasswordlessLogin: true}))
	case OpSessions:
		return a.listSessions(s)
	case OpCreate:
		return a.create(s, r)
	}
	k := s.listedKey(r.credential)
	switch {
	case k == nil:
		return say(notFound())
	case r.op == OpDelete:
		return a.remove(s, k)
	}
	return say(jsonAnswer(http.StatusOK, a.credentialJSON(k, false)))
}

// unknownAddress is a web page outside the API, as a client finds that follows a redirect.
func (a *Account) unknownAddress(r request) answer {
	if !isAPI(r.path) {
		return html(http.StatusOK)
	}
	return message(http.StatusNotFound, "Not Found.")
}

func (a *Account) listCredentials(s *server, w window) answer {
	var listed []*key
	for _, k := range s.keys {
		if k.listed {
			listed = append(listed, k)
		}
	}
	return list(a, w, listed, func(k *key) credentialJSON { return a.credentialJSON(k, true) })
}

func (a *Account) listSessions(s *server) outcome {
	if out, stop := a.unreachable(s); stop {
		return out
	}
	sessions := []sessionJSON{}
	for _, x := range s.sessions {
		sessions = append(sessions, sessionJSON(x))
	}
	return say(jsonAnswer(http.StatusOK, sessions))
}

func (a *Account) create(s *server, r request) outcome {
	c, refused := a.validate(s, r.body)
	if len(refused) > 0 {
		return say(invalid(refused, r.wantsJSON))
	}
	if out, stop := a.unreachable(s); stop {
		return out
	}
	k := a.addKey(s, c)
	return outcome{answer: jsonAnswer(http.StatusOK, a.credentialJSON(k, false)), applied: true, credential: k.ID}
}

func (a *Account) remove(s *server, k *key) outcome {
	if out, stop := a.unreachable(s); stop {
		return out
	}
	ans := jsonAnswer(http.StatusOK, a.credentialJSON(k, false))
	a.removeKey(s, k)
	return outcome{answer: ans, applied: true, credential: k.ID}
}

// unreachable is the answer of what needs the agent while the agent is away.
func (a *Account) unreachable(s *server) (out outcome, stop bool) {
	switch {
	case !s.Offline || a.rules.Offline == OfflineAccept:
		return outcome{}, false
	case a.rules.Offline == OfflineHang:
		return outcome{wait: s.back}, true
	}
	return say(message(http.StatusInternalServerError, "The server could not be reached.")), true
}
