package runcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// SSHSettings is the configuration of a server's SSH daemon, as far as RunCloud shows it.
type SSHSettings struct {
	PasswordlessLogin bool
	UseDNS            bool
	PreventRootLogin  bool // a key for root is useless then
}

// UnmarshalJSON reads RunCloud's form. All three fields must be there: a missing one would read as
// "root may log in".
func (s *SSHSettings) UnmarshalJSON(raw []byte) error {
	var w struct {
		PasswordlessLogin *flag `json:"passwordlessLogin"`
		UseDNS            *flag `json:"useDns"`
		PreventRootLogin  *flag `json:"preventRootLogin"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	if w.PasswordlessLogin == nil || w.UseDNS == nil || w.PreventRootLogin == nil {
		return ErrUnexpected
	}
	*s = SSHSettings{bool(*w.PasswordlessLogin), bool(*w.UseDNS), bool(*w.PreventRootLogin)}
	return nil
}

// SSHSettings gives the SSH configuration of a server.
func (c *Client) SSHSettings(ctx context.Context, serverID int64) (SSHSettings, error) {
	var s SSHSettings
	err := c.call(ctx, http.MethodGet, fmt.Sprintf("/servers/%d/settings/ssh", serverID), nil, nil, &s)
	return s, err
}
