package runcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// SystemUser is a Linux user of a server. Its deployment key is left out on purpose.
type SystemUser struct {
	ID        int64
	Username  string
	Deletable bool
	CreatedAt time.Time
}

// UnmarshalJSON reads RunCloud's form, whose spelling is "deleteable".
func (u *SystemUser) UnmarshalJSON(raw []byte) error {
	var w struct {
		ID        number    `json:"id"`
		Username  string    `json:"username"`
		Deletable flag      `json:"deleteable"`
		CreatedAt timestamp `json:"created_at"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*u = SystemUser{ID: int64(w.ID), Username: w.Username, Deletable: bool(w.Deletable), CreatedAt: time.Time(w.CreatedAt)}
	return nil
}

// SystemUsers gives all system users of a server, root and runcloud among them, or an error: never a
// part of them.
func (c *Client) SystemUsers(ctx context.Context, serverID int64) ([]SystemUser, error) {
	path := fmt.Sprintf("/servers/%d/users", serverID)
	return all(ctx, c, path, func(u SystemUser) int64 { return u.ID })
}
