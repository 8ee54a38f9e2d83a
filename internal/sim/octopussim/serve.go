package octopussim

import (
	"context"
	"net/http"
)

// ServeHTTP handles one call. Dropped connections are panics with http.ErrAbortHandler, which net/http understands.
func (s *Server) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := s.readRequest(hr)
	headers, refusal := s.admit(r)
	if refusal != nil {
		s.record(Call{Op: r.op, Method: r.method, ID: r.id, Status: refusal.status})
		refusal.write(w, headers)
		return
	}
	s.carryOut(hr.Context(), r).write(w, headers)
}

// carryOut applies an admitted call with what is to go wrong on the way.
func (s *Server) carryOut(ctx context.Context, r request) answer {
	f := s.faultFor(r)
	if f != nil && !f.After && f.stops(ctx) {
		ans := f.answer(r, answer{})
		s.record(Call{Op: r.op, Method: r.method, ID: r.id, Status: ans.status})
		return ans
	}
	s.tell(Call{Op: r.op, Method: r.method, ID: r.id})
	ans := s.apply(r)
	s.record(Call{Op: r.op, Method: r.method, ID: r.id, Status: ans.status, Applied: isWrite(r.method) && ans.status/100 == 2})
	if f != nil && f.After && f.stops(ctx) {
		return f.answer(r, ans)
	}
	return ans
}

// admit decides whether a call may come in at all.
func (s *Server) admit(r request) (headers map[string]string, refusal *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.op != OpRoot && r.key != s.key {
		ans := refuse(http.StatusUnauthorized, "You must be logged in to request this resource: the API key is not valid.")
		return nil, &ans
	}
	if s.limit != nil {
		if headers, refusal = s.limit.take(); refusal != nil {
			return headers, refusal
		}
	}
	if s.access == NoRights && r.space != "" || s.access == ReadOnly && isWrite(r.method) {
		ans := refuse(http.StatusForbidden, "You do not have permission to perform this action.")
		return headers, &ans
	}
	return headers, nil
}

// apply carries a call out, all of it or nothing.
func (s *Server) apply(r request) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle()
	switch r.op {
	case OpRoot:
		return found(map[string]any{
			"Application": "Octopus Deploy", "Version": s.version, "ApiVersion": "3.0.0", "InstallationId": "octopussim",
			"Links": map[string]string{"Self": s.options.Path + "/api", "CurrentUser": s.options.Path + "/api/users/me"},
		})
	case OpMe:
		return found(map[string]any{"Id": "Users-7", "Username": username, "DisplayName": username, "IsActive": true, "IsService": true})
	case OpListSpaces:
		return s.list(r, items(s.spaces))
	case OpOther:
		return unknown(r)
	}
	if r.op == OpGetSpace {
		r.space = r.id
	}
	sp := s.space(r.space)
	if sp == nil {
		return notFound(r.space)
	}
	return s.applyIn(sp, r)
}

// username is who the API key belongs to.
const username = "sshkeybot"

func unknown(r request) answer {
	return refuse(http.StatusNotFound, "The resource you requested was not found ("+r.method+").")
}

func (s *Server) applyIn(sp *space, r request) answer {
	switch r.op {
	case OpGetSpace:
		return found(sp.item().doc)
	case OpEnvironments:
		return s.list(r, items(sp.environments))
	case OpListAccounts:
		return s.list(r, s.accountsOf(sp, r.query.Get("accountType")))
	case OpCreateAccount:
		return s.createAccount(sp, r)
	case OpListMachines, OpListWorkers:
		return s.list(r, s.machinesOf(sp, r.op == OpListWorkers))
	case OpListTasks:
		return s.list(r, s.tasksOf(sp, r.query))
	case OpStartTask:
		return s.startHealth(sp, r)
	}
	return s.applyTo(sp, r)
}

func (s *Server) applyTo(sp *space, r request) answer {
	if a := s.accounts[r.id]; a != nil && a.space == sp.id {
		switch r.op {
		case OpGetAccount:
			return found(a.item().doc)
		case OpUpdateAccount:
			return s.updateAccount(sp, a, r)
		case OpUsages:
			return found(s.usages(a))
		}
	}
	if m := s.machines[r.id]; m != nil && m.space == sp.id && r.op == OpConnection {
		return found(m.connection())
	}
	if t := s.tasks[r.id]; t != nil && t.Space == sp.id && r.op == OpGetTask {
		return found(t.item().doc)
	}
	return notFound(r.id)
}
