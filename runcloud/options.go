package runcloud

import (
	"log/slog"
	"net/http"
	"time"

	"sshkeybot/internal/limiter"
)

// DefaultBaseURL is the address of the API (RunCloud API v3 intro page).
const DefaultBaseURL = "https://manage.runcloud.io/api/v3"

// Option changes how a [Client] works.
type Option func(*settings)

type settings struct {
	baseURL string
	agent   string
	http    *http.Client
	logger  *slog.Logger
	timeout time.Duration
	limiter *limiter.Limiter
	retry   retryRule
}

func defaults() settings {
	return settings{
		baseURL: DefaultBaseURL,
		agent:   "runcloud-go",
		http:    &http.Client{Transport: defaultTransport()},
		logger:  discard(),
		timeout: time.Minute,
		limiter: limiter.New(0),
		retry:   retryRule{attempts: 3, base: 500 * time.Millisecond, maxWait: 5 * time.Second},
	}
}

// defaultTransport keeps more idle connections than net/http, whose two would make parallel calls
// dial again and again.
func defaultTransport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 32
	return t
}

// WithBaseURL sets another address than [DefaultBaseURL].
func WithBaseURL(u string) Option { return func(s *settings) { s.baseURL = u } }

// WithHTTPClient sets the client that carries the requests. It is copied; its redirect policy is
// replaced, since redirects are refused.
func WithHTTPClient(hc *http.Client) Option { return func(s *settings) { s.http = hc } }

// WithLogger has each attempt logged at debug level: method, path, status, duration. Never headers
// or bodies.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// WithTimeout limits each attempt, from connecting to the last byte of the body. The default is one
// minute, since writes wait for the server's agent.
func WithTimeout(d time.Duration) Option { return func(s *settings) { s.timeout = d } }

// WithUserAgent sets the User-Agent header.
func WithUserAgent(agent string) Option { return func(s *settings) { s.agent = agent } }

// WithLimiter sets the limiter, which clients of the same workspace share. Without it a client has its own.
func WithLimiter(l *limiter.Limiter) Option { return func(s *settings) { s.limiter = l } }

// WithRetry sets how often a GET or DELETE is sent at most (3 by default; 1 turns retrying off) and
// the wait before the first retry (half a second by default), which doubles each time.
func WithRetry(attempts int, base time.Duration) Option {
	return func(s *settings) { s.retry.attempts, s.retry.base = attempts, base }
}
