package octopus

import (
	"context"
	"encoding/json"
	"net/http"
)

// Usages is where an account is used. Workers are not among it: Octopus names deployment targets alone.
type Usages struct {
	Targets []TargetRef
	// Others is how many entries each other list has, by Octopus's name for it, such as DeploymentProcesses. Lists
	// without entries are left out, those that newer servers add are not.
	Others map[string]int
}

// TargetRef names a deployment target.
type TargetRef struct {
	ID   string `json:"TargetId"`
	Name string `json:"TargetName"`
}

// Usages returns where an account is used, as far as the API key may see it.
func (c *Client) Usages(ctx context.Context, space, accountID string) (Usages, error) {
	var d document
	p := path{space, "accounts", accountID, "usages"}
	if err := c.get(ctx, p, nil, &d); err != nil {
		return Usages{}, err
	}
	u := Usages{Others: map[string]int{}}
	if d["Targets"] == nil || json.Unmarshal(d["Targets"], &u.Targets) != nil {
		return Usages{}, unexpected(http.MethodGet, p, "the answer has no list of targets")
	}
	for name, raw := range d {
		var list []json.RawMessage
		if name != "Targets" && json.Unmarshal(raw, &list) == nil && len(list) > 0 {
			u.Others[name] = len(list)
		}
	}
	return u, nil
}
