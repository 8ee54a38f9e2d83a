package octopus

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

	"sshkeybot/internal/limiter"
)

// Client calls the REST API of one Octopus server with one API key. Make it with [New].
type Client struct {
	base   string // without a slash at its end
	err    error  // of the base address; every call returns it
	agent  string
	apiKey string
	clean  cleaner
	http   *http.Client
	handle handler

	limiter *limiter.Limiter
}

// handler does one step of a call and hands the request to the next one.
type handler func(*http.Request) (*reply, error)

// New returns a client for the server at baseURL, which is the address of its web portal and may have a path. It
// makes no call. Every call returns the error of an unusable base address.
func New(baseURL, apiKey string, opts ...Option) *Client {
	s := defaults()
	for _, opt := range opts {
		opt(&s)
	}
	apiKey = strings.TrimSpace(apiKey)
	c := &Client{agent: s.agent, apiKey: apiKey, clean: newCleaner(apiKey), http: refuseRedirects(s.http), limiter: s.limiter}
	c.base, c.err = parseBase(baseURL)
	c.handle = c.chain(s)
	return c
}

// chain builds the steps of a call. A retry passes the limiter again; what the caller waits there counts neither
// as the attempt's time nor as its duration in the log.
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

// get reads what is at a path into out.
func (c *Client) get(ctx context.Context, p path, query url.Values, out any) error {
	return c.call(ctx, http.MethodGet, p, query, nil, out)
}

// call sends in as JSON, if it is not nil, and decodes the answer into out.
func (c *Client) call(ctx context.Context, method string, p path, query url.Values, in, out any) error {
	req, err := c.request(ctx, method, p, query, in)
	if err != nil {
		return err
	}
	rep, err := c.handle(req)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(rep.body, out); err != nil {
		return unexpected(method, p, "the answer has another form than documented")
	}
	return nil
}

// unexpected is the error for an answer of 2xx that is JSON, but not what the documentation says.
func unexpected(method string, p path, message string) *Error {
	return &Error{Op: method + " " + p.String(), Status: http.StatusOK, Message: message, Err: ErrUnexpected, MaybeApplied: isWrite(method)}
}

func (c *Client) request(ctx context.Context, method string, p path, query url.Values, in any) (*http.Request, error) {
	if err := errors.Join(c.err, p.check()); err != nil {
		return nil, err
	}
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return nil, errors.New("octopus: the request cannot be encoded") // the cause might quote it
		}
	}
	address := c.base + p.String()
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(withOp(ctx, method+" "+p.String()), method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("octopus: %w", err)
	}
	c.setHeaders(req.Header)
	return req, nil
}

func (c *Client) setHeaders(h http.Header) {
	h.Set("X-Octopus-ApiKey", c.apiKey)
	h.Set("Accept", "application/json")
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", c.agent)
}

type opKey struct{}

// withOp keeps method and path below the base address, the form in which errors and logs show a call.
func withOp(ctx context.Context, op string) context.Context {
	return context.WithValue(ctx, opKey{}, op)
}

func opOf(req *http.Request) string {
	op, _ := req.Context().Value(opKey{}).(string)
	return op
}

// path is the segments of an address below /api.
type path []string

func (p path) String() string {
	escaped := "/api"
	for _, segment := range p {
		escaped += "/" + url.PathEscape(segment)
	}
	return escaped
}

// check refuses what would lead to another address than that of a thing with this id.
func (p path) check() error {
	for _, segment := range p {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("octopus: %q is no id", segment)
		}
	}
	return nil
}

func parseBase(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", errors.New("octopus: the base address is not an http or https URL")
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return strings.TrimRight(u.String(), "/"), nil
}

// refuseRedirects makes a 3xx an answer like any other, so that it becomes an error.
func refuseRedirects(hc *http.Client) *http.Client {
	own := *hc
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func isWrite(method string) bool { return method != http.MethodGet }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
