package slackapi

import (
	"sync"
	"time"
)

const (
	permalinkTimeout = time.Second
	maxLinks         = 1000
)

// links keeps the addresses of messages, which never change. The zero value is ready for use.
type links struct {
	mu    sync.Mutex
	known map[Ref]string
}

func (l *links) get(at Ref) (link string, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	link, known = l.known[at]
	return link, known
}

// put keeps an address. Once there are maxLinks, all before it are forgotten.
func (l *links) put(at Ref, link string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known == nil || len(l.known) == maxLinks {
		l.known = map[Ref]string{}
	}
	l.known[at] = link
}
