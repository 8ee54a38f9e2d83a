package runcloudsim

import (
	"net/http"
	"slices"
)

// outcome is the result of applying a call.
type outcome struct {
	answer  answer
	applied bool // the account's state changed
}

func unchanged(ans answer) outcome { return outcome{answer: ans} }

// apply carries a call out, all of it or nothing.
func (a *Account) apply(r request, shift int) outcome {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch r.op {
	case OpPing:
		return unchanged(message(http.StatusOK, "pong"))
	case OpListServers:
		return unchanged(list(r, shift, a.servers, (*server).json))
	case OpOther:
		return unchanged(unknownAddress(r))
	}
	s := a.byID[r.server]
	if s == nil {
		return unchanged(notFound())
	}
	a.expire(s)
	return a.applyTo(s, r, shift)
}

func (a *Account) applyTo(s *server, r request, shift int) outcome {
	switch r.op {
	case OpGetServer:
		return unchanged(jsonAnswer(http.StatusOK, s.json()))
	case OpListCredentials:
		return unchanged(list(r, shift, s.keys, a.listedJSON))
	case OpSessions:
		return a.listSessions(s)
	case OpCreate:
		return a.create(s, r)
	}
	return a.remove(s, r.credential) // OpDelete
}

// unknownAddress returns a 404, or the web page that a client finds outside the API when it follows a redirect.
func unknownAddress(r request) answer {
	if !isAPI(r.path) {
		return html(http.StatusOK)
	}
	return message(http.StatusNotFound, "Not Found.")
}

func (a *Account) listSessions(s *server) outcome {
	if s.Offline {
		return unchanged(unreachable())
	}
	sessions := []sessionJSON{}
	for _, x := range s.sessions {
		sessions = append(sessions, sessionJSON(x))
	}
	return unchanged(jsonAnswer(http.StatusOK, sessions))
}

func (a *Account) create(s *server, r request) outcome {
	c, refused := a.validate(s, r.body)
	switch {
	case len(refused) > 0:
		return unchanged(invalid(refused, r.wantsJSON))
	case s.Offline:
		return unchanged(unreachable())
	}
	return outcome{jsonAnswer(http.StatusOK, a.credentialJSON(a.addKey(s, c))), true}
}

func (a *Account) remove(s *server, id int64) outcome {
	i := slices.IndexFunc(s.keys, func(k Credential) bool { return k.ID == id })
	switch {
	case i < 0:
		return unchanged(notFound())
	case s.Offline:
		return unchanged(unreachable())
	}
	gone := s.keys[i]
	s.keys = slices.Delete(s.keys, i, i+1)
	return outcome{jsonAnswer(http.StatusOK, a.credentialJSON(gone)), true}
}

// unreachable returns the answer to what needs the agent of an offline server.
func unreachable() answer {
	return message(http.StatusInternalServerError, "The server could not be reached.")
}
