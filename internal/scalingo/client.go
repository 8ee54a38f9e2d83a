package scalingo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"sshkeybot/internal/limiter"
)

// Client calls Scalingo's API with the token of one account. Make it with [New].
type Client struct {
	err     error // of the base address; every call returns it
	http    *http.Client
	limiter *limiter.Limiter
	session *session
	handle  handler
	own     ownToken
}

// request is a call on its way.
type request struct {
	op     string // what it is for, as errors and logs name it
	method string
	path   string // below the base address, escaped
	body   []byte // of a POST
	jwt    string // empty for the exchange, which authenticates by the API token
}

// reply is an answer of a status that was hoped for. Its body was read completely.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// handler does one step of a call and hands the request to the next one.
type handler func(context.Context, request) (*reply, error)

// New returns a client for the given API token. It makes no call. Every call returns the error of an
// unusable base address.
func New(token string, opts ...Option) *Client {
	s := defaults()
	for _, opt := range opts {
		opt(&s)
	}
	c := &Client{http: refuseRedirects(s.http), limiter: s.limiter, own: newOwnToken()}
	base, err := parseBase(s.baseURL)
	if err != nil {
		c.err = err
		return c
	}
	d := dialog{base: base, token: strings.TrimSpace(token), agent: s.agent, timeout: s.timeout, http: c.http}
	attempt := checking(logging(d.send, s.logger, d.clean), d.clean)
	c.session = newSession(attempt, s.limiter)
	c.handle = retrying(limiting(authorizing(attempt, c.session), s.limiter))
	return c
}

// Limiter returns the limiter that the client's calls pass.
func (c *Client) Limiter() *limiter.Limiter { return c.limiter }

// CloseIdleConnections closes the connections that no call is using.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// call sends in as JSON, if it is not nil, and decodes the answer into out, if that is not nil.
func (c *Client) call(ctx context.Context, r request, in, out any) error {
	if c.err != nil {
		return c.err
	}
	if in != nil {
		var err error
		if r.body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("scalingo: encode request: %w", err)
		}
	}
	rep, err := c.handle(ctx, r)
	if err != nil {
		return err
	}
	if out != nil && json.Unmarshal(rep.body, out) != nil {
		return r.unexpected(rep.status, "the answer has another form than documented")
	}
	return nil
}

// validID reports whether an id can stand in a path. The ids of Scalingo have several forms and are not
// looked into.
func validID(id string) bool { return strings.Trim(id, ".") != "" }

// withID appends an id to the path of a collection.
func withID(path, id string) string { return path + "/" + url.PathEscape(id) }

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("scalingo: the base address is not an http or https URL")
	}
	return u, nil
}

// refuseRedirects makes a 3xx an answer like any other, so that it becomes an error.
func refuseRedirects(hc *http.Client) *http.Client {
	own := *hc
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}
