package runcloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sshkeybot/internal/limiter"
)

// Client calls the RunCloud API v3 with one workspace token. Make it with [New].
type Client struct {
	base   *url.URL
	err    error // of the base address; every call returns it
	agent  string
	token  string
	clean  cleaner
	http   *http.Client
	handle handler

	limiter *limiter.Limiter
}

// handler does one step of a call and hands the request to the next one.
type handler func(*http.Request) (*reply, error)

// reply is an answer whose body was read completely.
type reply struct {
	status int
	header http.Header
	body   []byte
	pause  time.Duration // how long to wait before the next try, as far as that is known
}

// New returns a client for the given workspace token. It makes no call. Every call returns the error of
// an unusable base address.
func New(token string, opts ...Option) *Client {
	s := defaults()
	for _, opt := range opts {
		opt(&s)
	}
	token = strings.TrimSpace(token)
	c := &Client{agent: s.agent, token: token, clean: newCleaner(token), http: refuseRedirects(s.http), limiter: s.limiter}
	c.base, c.err = parseBase(s.baseURL)
	c.handle = c.chain(s)
	return c
}

// chain builds the steps of a call. A retry passes the limiter again; what the caller waits there
// counts neither as the attempt's time nor as its duration in the log.
func (c *Client) chain(s settings) handler {
	h := sending(c.http, s.timeout)
	h = logging(h, s.logger, c.clean)
	h = limiting(h, s.limiter)
	h = checking(h, c.clean)
	return retrying(h, s.retry)
}

// Limiter returns the limiter that the client's calls pass.
func (c *Client) Limiter() *limiter.Limiter { return c.limiter }

// CloseIdleConnections closes the connections that no call is using.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// call sends in as JSON, if it is not nil, and decodes the answer into out.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	req, err := c.request(ctx, method, path, query, in)
	if err != nil {
		return err
	}
	rep, err := c.handle(req)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(rep.body, out); err != nil {
		return c.unexpected(method, path, rep.status, "the answer has another form than documented")
	}
	return nil
}

// unexpected is the error for an answer that is JSON, but not what the documentation says.
func (c *Client) unexpected(method, path string, status int, message string) *Error {
	return &Error{Method: method, Path: path, Status: status, Message: message, Err: ErrUnexpected, MaybeApplied: isWrite(method)}
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, in any) (*http.Request, error) {
	if c.err != nil {
		return nil, c.err
	}
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, fmt.Errorf("runcloud: encode request: %w", err)
		}
	}
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(withPath(ctx, path), method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("runcloud: %w", err)
	}
	c.setHeaders(req.Header)
	return req, nil
}

// setHeaders asks for JSON on every request, GET included: the intro page demands both headers, and
// without Accept a refused validation may come as a redirect to HTML.
func (c *Client) setHeaders(h http.Header) {
	h.Set("Authorization", "Bearer "+c.token)
	h.Set("Accept", "application/json")
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", c.agent)
}

type pathKey struct{}

// withPath keeps the path below the base address, the form in which errors and logs show it.
func withPath(ctx context.Context, path string) context.Context {
	return context.WithValue(ctx, pathKey{}, path)
}

func pathOf(req *http.Request) string {
	path, _ := req.Context().Value(pathKey{}).(string)
	return path
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("runcloud: the base address is not an http or https URL")
	}
	return u, nil
}

// refuseRedirects makes a 3xx an answer like any other, so that it becomes an error.
func refuseRedirects(hc *http.Client) *http.Client {
	own := *hc
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func isWrite(method string) bool { return method != http.MethodGet }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
