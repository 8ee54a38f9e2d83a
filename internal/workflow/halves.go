package workflow

import (
	"slices"
	"sync"

	"sshkeybot/internal/access"
	"sshkeybot/internal/sshkey"
)

// halves are the private halves of rotations that this process has in its memory, and nobody
// else has, by the fingerprint of their pair. The zero value holds none.
type halves struct {
	turn sync.Mutex // held by who does steps of rotations

	mu   sync.Mutex
	held map[string]sshkey.Private
}

func (h *halves) put(fingerprint string, p sshkey.Private) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held == nil {
		h.held = map[string]sshkey.Private{}
	}
	h.held[fingerprint] = p
}

// of returns the private half of a rotation's pair, unless it is lost.
func (h *halves) of(r access.Rotation) (access.PrivateHalf, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.held[r.Fingerprint]
	return access.PrivateHalf{Mark: access.KeyMark{Fingerprint: r.Fingerprint, Request: r.RequestID}, Private: p}, ok
}

// drop wipes the private half of a rotation's pair.
func (h *halves) drop(r access.Rotation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wipe(r.Fingerprint)
}

// keep wipes the private halves that none of these rotations needs any more.
func (h *halves) keep(open []access.Rotation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for fingerprint := range h.held {
		needs := func(r access.Rotation) bool { return r.State.InMemory() && r.Fingerprint == fingerprint }
		if !slices.ContainsFunc(open, needs) {
			h.wipe(fingerprint)
		}
	}
}

func (h *halves) wipe(fingerprint string) {
	h.held[fingerprint].Wipe()
	delete(h.held, fingerprint)
}
