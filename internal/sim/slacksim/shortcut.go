package slacksim

import "context"

// Shortcut uses a global shortcut of the app, and waits for the acknowledgement or its
// limit. The app is not told where the person is.
func (w *Workspace) Shortcut(ctx context.Context, user, callbackID string) (Outcome, error) {
	return w.interact(ctx, "shortcut", user, func(payload map[string]any) error {
		delete(payload, "api_app_id")
		delete(payload["user"].(map[string]any), "name")
		payload["callback_id"], payload["action_ts"] = callbackID, w.nextTS()
		return nil
	})
}
