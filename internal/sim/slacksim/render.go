package slacksim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

const defaultWidth = 80

// Viewer is who reads a rendering, and how.
type Viewer struct {
	TZ    *time.Location // for dates; UTC by default
	Width int            // of a line of text; 80 by default
	Color bool           // ANSI styles in text
	User  string         // ID of who reads, to whom mentions stand out in HTML
}

// names maps IDs of people, channels and groups to what clients show.
type names map[string]string

func (n names) or(id, otherwise string) string {
	if name := n[id]; name != "" {
		return name
	}
	return otherwise
}

// renderer draws for one viewer at one moment.
type renderer struct {
	viewer Viewer
	names  names
	people []string   // IDs of those who can be chosen
	rooms  []*Channel // that the viewer can choose
	now    time.Time

	entered map[string]map[string]any // in the inputs of a view, by block and action
}

func (w *Workspace) renderer(v Viewer) *renderer {
	v.Width = cmp.Or(v.Width, defaultWidth)
	r := &renderer{viewer: v, names: names{"USLACKBOT": "Slackbot"}, now: w.opt.Now()}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, u := range w.users {
		r.names[id] = u.Name
	}
	for _, id := range w.order {
		if u := w.users[id]; !u.Deleted && !u.IsBot {
			r.people = append(r.people, id)
		}
	}
	viewer := w.users[v.User]
	for id, c := range w.channels {
		r.names[id] = c.Name
		if viewer != nil && viewer.sees(c) {
			r.rooms = append(r.rooms, c)
		}
	}
	slices.SortFunc(r.rooms, func(a, b *Channel) int { return strings.Compare(a.ID, b.ID) })
	for id, g := range w.groups {
		r.names[id] = g.handle
	}
	return r
}

// Render draws a message as plain text, the way the viewer reads it.
func (w *Workspace) Render(m Message, v Viewer) string { return w.renderer(v).message(m) }

// RenderThread draws a message with its replies indented below it.
func (w *Workspace) RenderThread(channel, ts string, v Viewer) string {
	inner := v
	inner.Width = max(20, cmp.Or(v.Width, defaultWidth)-4)
	var out strings.Builder
	for _, m := range w.Thread(channel, ts) {
		if m.TS == ts {
			out.WriteString(w.Render(m, v))
		} else {
			out.WriteString(indent(w.Render(m, inner), "  ┃ "))
		}
	}
	return out.String()
}

// RenderView draws a modal or a Home tab. Inputs hold what was entered in them so far.
func (w *Workspace) RenderView(view View, v Viewer) string {
	r := w.renderer(v)
	r.entered = view.state
	if view.Type == "modal" {
		r.viewer.Width = max(20, r.viewer.Width-2)
	}
	lines := r.blocks(view.Blocks)
	if view.Type == "modal" {
		lines = append([]string{r.style(bold, "╭─ "+view.title)}, prefix(lines, "│ ")...)
		lines = append(lines, "╰─ "+r.viewButtons(view))
	}
	return strings.Join(lines, "\n") + "\n"
}

func (r *renderer) viewButtons(v View) string {
	out := "[ " + v.CloseLabel() + " ]"
	if v.submit != "" {
		out += "  " + r.style(good, "[ "+v.submit+" ]")
	}
	return out
}

func (r *renderer) message(m Message) string {
	lines := []string{r.author(m)}
	if m.To != "" {
		lines = append([]string{r.style(dim, "Only visible to @"+r.names.or(m.To, m.To))}, lines...)
	}
	switch {
	case m.Deleted:
		lines = append(lines, r.style(dim, "This message was deleted."))
	case len(m.Blocks) > 0:
		lines = append(lines, r.blocks(m.Blocks)...)
	case m.Text != "":
		lines = append(lines, r.wrap(r.mrkdwn(m.Text))...)
	}
	for _, f := range m.Files {
		lines = append(lines, fmt.Sprintf("📎 %s (%d bytes)", clean(f.Title), len(f.Content)))
	}
	return strings.Join(lines, "\n") + "\n"
}

func (r *renderer) author(m Message) string {
	head := r.style(bold, r.names.or(m.User, m.User))
	if m.User == botUserID {
		head += r.style(dim, " APP")
	}
	head += "  " + r.style(dim, m.posted.In(r.zone()).Format("15:04"))
	if len(m.Edits) > 0 {
		head += r.style(dim, " (edited)")
	}
	return head
}

func indent(s, mark string) string {
	return strings.Join(prefix(strings.Split(strings.TrimSuffix(s, "\n"), "\n"), mark), "\n") + "\n"
}

func prefix(lines []string, mark string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.TrimRight(mark+line, " ")
	}
	return out
}
