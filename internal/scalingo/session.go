package scalingo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"sshkeybot/internal/limiter"
)

// How long a JSON web token is used that does not say when it ends, and how long before its end another one
// is asked for.
const (
	usualLifetime = 50 * time.Minute
	endMargin     = time.Minute
)

// session holds the JSON web token that calls are made with.
type session struct {
	send    handler
	limiter *limiter.Limiter

	mu   sync.Mutex
	last *exchange // under way or over; nil before the first
}

// exchange is one exchange of the API token for a JSON web token.
type exchange struct {
	done  chan struct{} // closed when the rest is set
	jwt   string
	until time.Time // when another one is better asked for
	err   *Error
}

func newSession(send handler, l *limiter.Limiter) *session {
	return &session{send: send, limiter: l}
}

// token returns the JSON web token that calls are made with, from an exchange if there is none, if it is
// about to end, or if it is the one that was refused. The error names op, for which it is wanted.
func (s *session) token(ctx context.Context, op, refused string) (string, error) {
	x := s.join(ctx, refused)
	select {
	case <-x.done:
	case <-ctx.Done():
		return "", notSent(op, ctx.Err())
	}
	if x.err != nil {
		e := *x.err
		e.Op, e.exchange = op, true
		return "", &e
	}
	return x.jwt, nil
}

// renew has an exchange made though none is needed.
func (s *session) renew(ctx context.Context, op string) error {
	jwt, err := s.token(ctx, op, "")
	if err == nil {
		_, err = s.token(ctx, op, jwt)
	}
	return err
}

// join returns the exchange that is under way, or the last one while its JSON web token is good, or else
// begins one. That goes on for those who join it when the one who began it gives up.
func (s *session) join(ctx context.Context, refused string) *exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || s.last.spent(refused) {
		s.last = &exchange{done: make(chan struct{})}
		go s.run(context.WithoutCancel(ctx), s.last)
	}
	return s.last
}

// spent reports whether the exchange is over and another one is needed.
func (x *exchange) spent(refused string) bool {
	select {
	case <-x.done:
		return x.err != nil || x.jwt == refused || !time.Now().Before(x.until)
	default:
		return false
	}
}

// run makes the exchange. It does not wait for the limiter, since a call that has leave waits for it.
func (s *session) run(ctx context.Context, x *exchange) {
	defer close(x.done)
	r := request{op: "exchange the API token", method: http.MethodPost, path: "/v1/tokens/exchange"}
	rep, err := s.send(ctx, r)
	s.limiter.Count(answerOf(err))
	if err == nil {
		x.jwt, err = readToken(r, rep)
	}
	if x.err = asError(err); x.err != nil {
		x.err.MaybeApplied = false // whoever asks again loses nothing
		return
	}
	x.until = time.Now().Add(lifetime(x.jwt, serverTime(rep.header)))
}

func readToken(r request, rep *reply) (string, error) {
	var out struct {
		Token string `json:"token"`
	}
	if json.Unmarshal(rep.body, &out) != nil || out.Token == "" {
		return "", r.unexpected(rep.status, "the answer holds no token")
	}
	return out.Token, nil
}

// lifetime returns how long a JSON web token is used, at a time by the clock of who gave it out. Only its end
// is read, and nothing verified: whether it is good is for Scalingo to say.
func lifetime(jwt string, now time.Time) time.Duration {
	var claims struct {
		Exp float64 `json:"exp"`
	}
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return usualLifetime
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return usualLifetime
	}
	left := time.Duration(min(claims.Exp-float64(now.Unix()), longestWait.Seconds())) * time.Second
	if left <= 0 {
		return usualLifetime
	}
	return left - min(endMargin, left/10)
}

// serverTime returns the time by the answer's own clock, so that a wrong clock on either side does no harm.
func serverTime(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}
