package slackapi

import (
	"context"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// stopgap is how much older an answer may be than its caller wants while Slack's rate
// limit keeps us from asking again: a hundred people may use a command in one minute.
const stopgap = 10 * time.Second

// cache keeps Slack's last answer to each question of one method. The zero value, with
// a method, is ready for use.
type cache[T any] struct {
	method string

	mu      sync.Mutex
	entries map[string]*entry[T]
}

// entry is what is known of one question. One caller at a time asks it.
type entry[T any] struct {
	asking chan struct{} // is full meanwhile
	last   answer[T]     // may be a failure
	valid  answer[T]     // the last one that is none, or one that asking again does not mend
	reset  time.Time     // what was asked before does not count
}

type answer[T any] struct {
	value T
	err   error
	at    time.Time // when Slack was asked
}

// get returns an answer that Slack was asked for no longer than maxAge before the call,
// and asks where there is none. Those who wait for the same question share the next
// answer. While Slack's rate limit keeps us from asking, one older by the stopgap
// serves, unless maxAge is 0.
func (c *cache[T]) get(ctx context.Context, key string, maxAge time.Duration, ask func(context.Context) (T, error)) (value T, err error) {
	called := time.Now()
	oldest := called.Add(-maxAge)
	e, known, _ := c.known(key)
	if known.at.After(oldest) {
		return known.value, known.err
	}
	select {
	case e.asking <- struct{}{}:
		defer func() { <-e.asking }()
	case <-ctx.Done():
		return value, unanswered(call{method: c.method, safe: true}, ctx.Err())
	}
	_, known, got := c.known(key)
	switch {
	case known.at.After(oldest):
		got = known
	case !got.at.After(called):
		got = c.ask(ctx, e, ask)
	}
	if maxAge > 0 && access.CodeOf(got.err) == access.RateLimited && known.at.After(oldest.Add(-stopgap)) {
		got = known
	}
	return got.value, got.err
}

func (c *cache[T]) known(key string) (e *entry[T], valid, last answer[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e = c.entry(key)
	return e, e.valid, e.last
}

// entry returns the entry of a question. The caller holds mu.
func (c *cache[T]) entry(key string) *entry[T] {
	if c.entries == nil {
		c.entries = map[string]*entry[T]{}
	}
	if c.entries[key] == nil {
		c.entries[key] = &entry[T]{asking: make(chan struct{}, 1)}
	}
	return c.entries[key]
}

// ask puts the question and keeps the answer, unless the caller gave up or the question
// was reset meanwhile.
func (c *cache[T]) ask(ctx context.Context, e *entry[T], ask func(context.Context) (T, error)) answer[T] {
	got := answer[T]{at: time.Now()}
	got.value, got.err = ask(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil || !got.at.After(e.reset) {
		return got
	}
	e.last = got
	if got.err == nil || forGood(got.err) {
		e.valid = got
	}
	return got
}

// forGood reports whether Slack refuses something in a way that asking again does not mend.
func forGood(err error) bool {
	code := access.CodeOf(err)
	return code == access.NotFound || code == access.Forbidden
}

// forget drops the answer to a question. One to a question that was asked before, and
// comes yet, is for those alone who wait for it.
func (c *cache[T]) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry(key)
	e.last, e.valid, e.reset = answer[T]{}, answer[T]{}, time.Now()
}
