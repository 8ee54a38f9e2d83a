package scalingo

import (
	"log/slog"
	"net/http"
	"time"

	"sshkeybot/internal/limiter"
)

// DefaultBaseURL is the address of the host for authentication, without the version of the API.
const DefaultBaseURL = "https://auth.scalingo.com"

// What the client allows itself of the 60 calls a minute that Scalingo accepts.
const (
	callsPerMinute = 45
	callsAtOnce    = 10
)

// Option changes how a [Client] works.
type Option func(*settings)

type settings struct {
	baseURL string
	agent   string
	http    *http.Client
	logger  *slog.Logger
	timeout time.Duration
	limiter *limiter.Limiter
}

func defaults() settings {
	return settings{
		baseURL: DefaultBaseURL,
		agent:   "scalingo-go",
		http:    &http.Client{},
		logger:  slog.New(slog.DiscardHandler),
		timeout: 30 * time.Second,
		limiter: limiter.NewWithLimit(0, callsPerMinute, callsAtOnce),
	}
}

// WithBaseURL sets another address than [DefaultBaseURL].
func WithBaseURL(u string) Option { return func(s *settings) { s.baseURL = u } }

// WithHTTPClient sets the client that carries the requests. It is copied; its redirect policy is
// replaced, since redirects are refused.
func WithHTTPClient(hc *http.Client) Option { return func(s *settings) { s.http = hc } }

// WithLogger has each attempt logged at debug level: what it is for, path, status, duration. Never headers
// or bodies.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// WithTimeout limits each attempt, from connecting to the last byte of the body. The default is half a
// minute.
func WithTimeout(d time.Duration) Option { return func(s *settings) { s.timeout = d } }

// WithUserAgent sets the User-Agent header.
func WithUserAgent(agent string) Option { return func(s *settings) { s.agent = agent } }

// WithLimiter sets the limiter, which clients of the same account share. Without it a client has its own,
// which keeps 45 calls a minute.
func WithLimiter(l *limiter.Limiter) Option { return func(s *settings) { s.limiter = l } }
