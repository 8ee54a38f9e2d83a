package octopus

import (
	"log/slog"
	"net/http"
	"time"

	"sshkeybot/internal/limiter"
)

// Option changes how a [Client] works.
type Option func(*settings)

type settings struct {
	agent   string
	http    *http.Client
	logger  *slog.Logger
	timeout time.Duration
	limiter *limiter.Limiter
	retry   retryRule
}

func defaults() settings {
	return settings{
		agent:   "octopus-go",
		http:    &http.Client{},
		logger:  discard(),
		timeout: 30 * time.Second,
		limiter: limiter.New(0),
		retry:   retryRule{attempts: 3, base: 500 * time.Millisecond, maxWait: 5 * time.Second},
	}
}

// WithHTTPClient sets the client that carries the requests. It is copied; its redirect policy is replaced, since
// redirects are refused.
func WithHTTPClient(hc *http.Client) Option { return func(s *settings) { s.http = hc } }

// WithLogger has each attempt logged at debug level: method, path, status, duration. Never headers, query or
// bodies.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// WithTimeout limits each attempt, from connecting to the last byte of the body. The default is 30 seconds.
func WithTimeout(d time.Duration) Option { return func(s *settings) { s.timeout = d } }

// WithUserAgent sets the User-Agent header.
func WithUserAgent(agent string) Option { return func(s *settings) { s.agent = agent } }

// WithLimiter sets the limiter, which clients of the same server share. Without it a client has its own.
func WithLimiter(l *limiter.Limiter) Option { return func(s *settings) { s.limiter = l } }

// WithRetry sets how often a GET is sent at most (3 by default; 1 turns retrying off) and the wait before the
// first retry (half a second by default), which doubles each time.
func WithRetry(attempts int, base time.Duration) Option {
	return func(s *settings) { s.retry.attempts, s.retry.base = attempts, base }
}
