package runcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// SSHCredential is a public key that a Linux user of a server may log in with.
type SSHCredential struct {
	ID        int64
	Label     string
	User      string // Linux user name
	PublicKey string // usually cut: see Truncated
	Temporary *bool  // nil if RunCloud did not say, as in lists
	CreatedAt time.Time
}

const cut = "..."

// Truncated tells that PublicKey is only the beginning of the key. RunCloud shows 50 characters,
// which for many key types are the same for every key: never take them for an identity.
func (k SSHCredential) Truncated() bool { return strings.HasSuffix(k.PublicKey, cut) }

// VisibleKey is what RunCloud shows of the key, without the dots.
func (k SSHCredential) VisibleKey() string { return strings.TrimSuffix(k.PublicKey, cut) }

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

// SSHCredentials gives all credentials of a server, or an error: never a part of them.
func (c *Client) SSHCredentials(ctx context.Context, serverID int64) ([]SSHCredential, error) {
	return all(ctx, c, credentialsPath(serverID), credentialID)
}

// SSHCredential gives one credential; see [IsNotFound].
func (c *Client) SSHCredential(ctx context.Context, serverID, id int64) (SSHCredential, error) {
	return one(ctx, c, http.MethodGet, credentialPath(serverID, id), nil, credentialID)
}

// CreateSSHCredential adds a key to a server and gives what RunCloud made of it: compare the label,
// and keep the id. It is sent once; after an error look at [IsOutcomeUnknown] before sending again.
func (c *Client) CreateSSHCredential(ctx context.Context, serverID int64, opts SSHCredentialCreateOpts) (SSHCredential, error) {
	return one(ctx, c, http.MethodPost, credentialsPath(serverID), opts, credentialID)
}

// DeleteSSHCredential removes a key from a server. Without error RunCloud confirmed it by answering
// the very object; [IsNotFound] means it was gone already.
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
