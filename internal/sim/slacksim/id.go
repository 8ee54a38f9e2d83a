package slacksim

import "fmt"

// nextID makes an ID that is unique in the workspace and starts with prefix.
// The caller holds mu.
func (w *Workspace) nextID(prefix string) string {
	w.serial++
	return fmt.Sprintf("%s0SIM%05d", prefix, w.serial)
}

// nextTS makes a message timestamp: seconds and microseconds of the clock,
// never the same twice. The caller holds mu.
func (w *Workspace) nextTS() string {
	w.lastTS = max(w.lastTS+1, w.opt.Now().UnixMicro())
	return fmt.Sprintf("%d.%06d", w.lastTS/1e6, w.lastTS%1e6)
}
