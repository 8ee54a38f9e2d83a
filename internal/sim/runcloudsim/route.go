package runcloudsim

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const apiPrefix = "/api/v3"

// Op is what a call asks for.
type Op string

// The operations. OpAny stands for all of them in a FaultRule, OpChange for OpCreate and OpDelete;
// OpOther is an address that the account does not know.
const (
	OpAny             Op = ""
	OpChange          Op = "change"
	OpPing            Op = "ping"
	OpListServers     Op = "list servers"
	OpGetServer       Op = "get server"
	OpListCredentials Op = "list credentials"
	OpCreate          Op = "create"
	OpDelete          Op = "delete"
	OpSessions        Op = "sessions"
	OpOther           Op = "other"
)

// covers reports whether op stands for another one in a FaultRule.
func (op Op) covers(another Op) bool {
	return op == OpAny || op == another || op == OpChange && (another == OpCreate || another == OpDelete)
}

var routes = map[string]Op{
	"GET /ping":                           OpPing,
	"GET /servers":                        OpListServers,
	"GET /servers/#":                      OpGetServer,
	"GET /servers/#/ssh/credentials":      OpListCredentials,
	"POST /servers/#/ssh/credentials":     OpCreate,
	"DELETE /servers/#/ssh/credentials/#": OpDelete,
	"GET /servers/#/ssh/sessions":         OpSessions,
}

// request is a call, read completely.
type request struct {
	op                 Op
	method, path       string
	server, credential int64
	query              url.Values
	body               []byte // of a JSON request
	wantsJSON          bool
	token, caller      string
}

func readRequest(r *http.Request) request {
	req := request{method: r.Method, path: r.URL.Path, query: r.URL.Query()}
	req.op, req.server, req.credential = route(r.Method, r.URL.Path)
	// Reading the body to its end also lets net/http notice a client that gives up.
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if strings.Contains(r.Header.Get("Content-Type"), "json") {
		req.body = body
	}
	req.wantsJSON = strings.Contains(r.Header.Get("Accept"), "json")
	req.token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	req.caller, _, _ = net.SplitHostPort(r.RemoteAddr)
	return req
}

func route(method, path string) (op Op, server, credential int64) {
	rest, ok := strings.CutPrefix(path, apiPrefix)
	if !ok {
		return OpOther, 0, 0
	}
	parts, ids := strings.Split(rest, "/"), [2]int64{}
	for i, n := 0, 0; i < len(parts) && n < len(ids); i++ {
		if id, err := strconv.ParseInt(parts[i], 10, 64); err == nil {
			parts[i], ids[n] = "#", id
			n++
		}
	}
	op, ok = routes[method+" "+strings.Join(parts, "/")]
	if !ok {
		op = OpOther
	}
	return op, ids[0], ids[1]
}

func isAPI(path string) bool { return strings.HasPrefix(path, apiPrefix+"/") }
