package runcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// SSHCredential is a public key that a Linux user of a server may log in with. RunCloud usually shows
// the first 50 characters of a key and three dots: for many key types these are the same for every key.
type SSHCredential struct {
	ID        int64
	Label     string
	User      string // Linux user name
	PublicKey string // usually cut, so no identity
	Temporary *bool  // nil if RunCloud did not say, as in lists
	CreatedAt time.Time
}

// UnmarshalJSON reads RunCloud's form.
func (k *SSHCredential) UnmarshalJSON(raw []byte) error {
	var w struct {
		ID        number    `json:"id"`
		Label     string    `json:"label"`
		User      string    `json:"user"`
		PublicKey string    `json:"publicKey"`
		Temporary *flag     `json:"temporary"`
		CreatedAt timestamp `json:"created_at"`
	}
	if err := json.Unmarshal(raw, &w); err != nil {
		return err
	}
	*k = SSHCredential{
		ID: int64(w.ID), Label: w.Label, User: w.User, PublicKey: w.PublicKey,
		Temporary: (*bool)(w.Temporary), CreatedAt: time.Time(w.CreatedAt),
	}
	return nil
}

// SSHCredentialCreateOpts is what a new credential needs.
type SSHCredentialCreateOpts struct {
	Label     string `json:"label"`
	Username  string `json:"username"`  // Linux user, which must exist on the server
	PublicKey string `json:"publicKey"` // one line
	Temporary bool   `json:"temporary"` // RunCloud removes it after 12 hours (Add SSH Key page)
}

// SSHCredentials returns all credentials of a server, or an error: never a part of them.
func (c *Client) SSHCredentials(ctx context.Context, serverID int64) ([]SSHCredential, error) {
	return all(ctx, c, credentialsPath(serverID), credentialID)
}

// CreateSSHCredential adds a key to a server and returns it as RunCloud stored it: compare the label, and
// keep the id. It is sent once; after an error look at [IsOutcomeUnknown] before sending again.
func (c *Client) CreateSSHCredential(ctx context.Context, serverID int64, opts SSHCredentialCreateOpts) (SSHCredential, error) {
	return one(ctx, c, http.MethodPost, credentialsPath(serverID), opts, credentialID)
}

// DeleteSSHCredential removes a key from a server. A nil error means that RunCloud confirmed it with the
// very object; [IsNotFound] means that it was gone already.
func (c *Client) DeleteSSHCredential(ctx context.Context, serverID, id int64) error {
	path := credentialPath(serverID, id)
	gone, err := one(ctx, c, http.MethodDelete, path, nil, credentialID)
	if err == nil && gone.ID != id {
		return c.unexpected(http.MethodDelete, path, http.StatusOK, "the answer names another credential")
	}
	return err
}

func credentialID(k SSHCredential) int64 { return k.ID }

func credentialsPath(serverID int64) string {
	return fmt.Sprintf("/servers/%d/ssh/credentials", serverID)
}

func credentialPath(serverID, id int64) string {
	return fmt.Sprintf("%s/%d", credentialsPath(serverID), id)
}
