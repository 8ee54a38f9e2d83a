package runcloud

import (
	"context"
	"fmt"
	"net/http"
)

// SSHSession is a login that is open on a server. RunCloud has no call to end one.
type SSHSession struct {
	Username   string `json:"username"`
	TTY        string `json:"tty"`
	IPAddress  string `json:"ipAddress"`
	LoginSince string `json:"loginSince"` // as the server prints it, in its own zone
	Idle       string `json:"idle"`
	Process    string `json:"currentRunningProcess"`
}

// SSHSessions returns the open logins of a server. It needs the server's agent, so it fails for a server
// that is offline.
func (c *Client) SSHSessions(ctx context.Context, serverID int64) ([]SSHSession, error) {
	sessions := []SSHSession{}
	err := c.call(ctx, http.MethodGet, fmt.Sprintf("/servers/%d/ssh/sessions", serverID), nil, nil, &sessions)
	if err != nil {
		return nil, err
	}
	return sessions, nil
}
