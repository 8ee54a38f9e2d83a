package slacksim

import "fmt"

func (w *Workspace) botID() string { return "B" + w.opt.AppID[1:] }

func (w *Workspace) authTest(args) (map[string]any, error) {
	m := map[string]any{
		"url": "https://" + w.opt.TeamDomain + ".slack.com/", "team": w.opt.TeamDomain, "user": w.opt.BotName,
		"team_id": w.opt.TeamID, "user_id": w.opt.BotUserID, "bot_id": w.botID(), "is_enterprise_install": false,
	}
	if w.opt.EnterpriseID != "" {
		m["enterprise_id"] = w.opt.EnterpriseID
	}
	return m, nil
}

func (w *Workspace) botsInfo(a args) (map[string]any, error) {
	if id := a.str("bot"); id != "" && id != w.botID() {
		return nil, refuse("bot_not_found")
	}
	return map[string]any{"bot": map[string]any{
		"id": w.botID(), "deleted": false, "name": w.opt.BotName, "updated": 1, "app_id": w.opt.AppID,
		"user_id": w.opt.BotUserID, "icons": map[string]any{},
	}}, nil
}

// connectionsOpen hands out the address of one socket, good for one connection.
func (w *Workspace) connectionsOpen(args) (map[string]any, error) {
	ticket := w.nextID("ticket-")
	w.tickets[ticket] = true
	return map[string]any{"url": fmt.Sprintf("ws://%s/link/?ticket=%s&app_id=%s", w.addr, ticket, w.opt.AppID)}, nil
}

// unknown is the error of an act that names something the workspace has not.
func unknown(kind, id string) error { return fmt.Errorf("slacksim: no %s %q", kind, id) }
