package scalingosim

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Op is what a call asks for.
type Op string

// The operations. OpAny stands for all of them in a FaultRule, and OpAuthorized for all but OpExchange; OpOther is
// an address that the account does not know.
const (
	OpAny         Op = ""
	OpAuthorized  Op = "authorized"
	OpExchange    Op = "exchange"
	OpSelf        Op = "self"
	OpListKeys    Op = "list keys"
	OpGetKey      Op = "get key"
	OpAddKey      Op = "add key"
	OpDeleteKey   Op = "delete key"
	OpListTokens  Op = "list tokens"
	OpDeleteToken Op = "delete token"
	OpOther       Op = "other"
)

// request is a call, read completely.
type request struct {
	op     Op
	method string
	id     string // of the key or token
	body   []byte
	secret string // the API token of HTTP Basic with an empty user
	jwt    string
}

func readRequest(r *http.Request) request {
	req := request{method: r.Method}
	req.op, req.id = route(r.Method, r.URL.EscapedPath())
	// Reading the body to its end also lets net/http notice a client that gives up.
	req.body, _ = io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if user, password, ok := r.BasicAuth(); ok && user == "" {
		req.secret = password
	}
	req.jwt, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return req
}

func route(method, path string) (Op, string) {
	collection, escaped, one := strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	id, err := url.PathUnescape(escaped)
	if !strings.HasPrefix(path, "/v1/") || err != nil || strings.Contains(escaped, "/") || one && id == "" {
		return OpOther, ""
	}
	switch method + " " + collection {
	case "POST tokens":
		return pick(id == "exchange", OpExchange), id
	case "GET users":
		return pick(id == "self", OpSelf), id
	case "GET keys":
		if one {
			return OpGetKey, id
		}
		return OpListKeys, ""
	case "POST keys":
		return pick(!one, OpAddKey), ""
	case "DELETE keys":
		return pick(one, OpDeleteKey), id
	case "GET tokens":
		return pick(!one, OpListTokens), ""
	case "DELETE tokens":
		return pick(one, OpDeleteToken), id
	}
	return OpOther, ""
}

func pick(known bool, op Op) Op {
	if known {
		return op
	}
	return OpOther
}
