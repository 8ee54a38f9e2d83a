package octopussim

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Op is what a call asks for.
type Op string

// The operations. OpAny stands for all of them in a FaultRule; OpOther is an address that the server does not know.
const (
	OpAny           Op = ""
	OpRoot          Op = "root"
	OpMe            Op = "me"
	OpListSpaces    Op = "list spaces"
	OpGetSpace      Op = "get space"
	OpEnvironments  Op = "list environments"
	OpListAccounts  Op = "list accounts"
	OpGetAccount    Op = "get account"
	OpCreateAccount Op = "create account"
	OpUpdateAccount Op = "update account"
	OpUsages        Op = "usages"
	OpListMachines  Op = "list machines"
	OpListWorkers   Op = "list workers"
	OpConnection    Op = "connection"
	OpListTasks     Op = "list tasks"
	OpGetTask       Op = "get task"
	OpStartTask     Op = "start task"
	OpOther         Op = "other"
)

var routes = map[string]Op{
	"GET /api":                         OpRoot,
	"GET /api/users/me":                OpMe,
	"GET /api/spaces":                  OpListSpaces,
	"GET /api/spaces/#":                OpGetSpace,
	"GET /api/#/environments":          OpEnvironments,
	"GET /api/#/accounts":              OpListAccounts,
	"GET /api/#/accounts/#":            OpGetAccount,
	"POST /api/#/accounts":             OpCreateAccount,
	"PUT /api/#/accounts/#":            OpUpdateAccount,
	"GET /api/#/accounts/#/usages":     OpUsages,
	"GET /api/#/machines":              OpListMachines,
	"GET /api/#/machines/#/connection": OpConnection,
	"GET /api/#/workers":               OpListWorkers,
	"GET /api/#/workers/#/connection":  OpConnection,
	"GET /api/#/tasks":                 OpListTasks,
	"GET /api/#/tasks/#":               OpGetTask,
	"POST /api/#/tasks":                OpStartTask,
}

// request is a call, read completely.
type request struct {
	op        Op
	method    string
	space, id string
	query     url.Values
	body      []byte // of a JSON request
	key       string
}

func (s *Server) readRequest(r *http.Request) request {
	req := request{method: r.Method, query: r.URL.Query(), key: r.Header.Get("X-Octopus-ApiKey")}
	req.op, req.space, req.id = route(r.Method, r.URL.EscapedPath(), s.options.Path)
	// Reading the body to its end also lets net/http notice a client that gives up.
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		req.body = body
	}
	return req
}

var idForm = regexp.MustCompile(`^[A-Z][A-Za-z]*-\d+$`)

// route returns what an address stands for, with the id of the space and that of the thing in it.
func route(method, path, prefix string) (op Op, spaceID, id string) {
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok {
		return OpOther, "", ""
	}
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for i, part := range parts {
		if !idForm.MatchString(part) {
			continue
		}
		if i == 2 {
			spaceID = part
		} else {
			id = part
		}
		parts[i] = "#"
	}
	op, ok = routes[method+" "+strings.Join(parts, "/")]
	if !ok {
		op = OpOther
	}
	return op, spaceID, id
}

func isWrite(method string) bool { return method != http.MethodGet }
