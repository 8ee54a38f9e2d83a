package scalingo

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Key is an SSH public key of the account. Whoever holds its private half can act as the account.
type Key struct {
	ID          string
	Name        string // need not be unique
	Content     string // the whole line, in the OpenSSH form
	Fingerprint string // MD5, in hexadecimal with colons
	CreatedAt   time.Time
}

type keyJSON struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Content     string    `json:"content"`
	Fingerprint string    `json:"fingerprint"`
	CreatedAt   timestamp `json:"created_at"`
}

func (k keyJSON) key() Key {
	return Key{ID: k.ID, Name: k.Name, Content: k.Content, Fingerprint: k.Fingerprint, CreatedAt: time.Time(k.CreatedAt)}
}

func (k keyJSON) id() string { return k.ID }

const keysPath = "/v1/keys"

// Keys returns all keys of the account, or an error: never a part of them.
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	r := request{op: "list keys", method: http.MethodGet, path: keysPath}
	rows, err := list[keyJSON](ctx, c, r, "keys")
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(rows))
	for i, row := range rows {
		keys[i] = row.key()
	}
	return keys, nil
}

// Key returns one key; see [IsNotFound].
func (c *Client) Key(ctx context.Context, id string) (Key, error) {
	r := request{op: "read key", method: http.MethodGet, path: withID(keysPath, id)}
	if !validID(id) {
		return Key{}, r.noID()
	}
	return c.key(ctx, r, nil)
}

// AddKey adds a key to the account and returns it as Scalingo stored it; keep the id, since others may have
// the same name. It is sent once; after an error look at [IsOutcomeUnknown] before sending again. Scalingo
// refuses a key that is on an account already, whoever's, for which [IsInvalid] holds.
func (c *Client) AddKey(ctx context.Context, name, content string) (Key, error) {
	in := map[string]map[string]string{"key": {"name": name, "content": content}}
	return c.key(ctx, request{op: "add key", method: http.MethodPost, path: keysPath}, in)
}

// DeleteKey removes a key from the account. A nil error means that Scalingo confirmed it; [IsNotFound] means
// that it was gone already.
func (c *Client) DeleteKey(ctx context.Context, id string) error {
	return c.delete(ctx, "delete key", keysPath, id)
}

// key makes a call whose answer is one key.
func (c *Client) key(ctx context.Context, r request, in any) (Key, error) {
	var out struct {
		Key keyJSON `json:"key"`
	}
	if err := c.call(ctx, r, in, &out); err != nil {
		return Key{}, err
	}
	if !validID(out.Key.ID) {
		return Key{}, r.unexpected(http.StatusOK, "the answer has no id")
	}
	return out.Key.key(), nil
}

func (c *Client) delete(ctx context.Context, op, path, id string) error {
	r := request{op: op, method: http.MethodDelete, path: withID(path, id)}
	if !validID(id) {
		return r.noID()
	}
	return c.call(ctx, r, nil, nil)
}

// noID is the error of a call about a thing whose id cannot be one. It is not made.
func (r request) noID() *Error { return &Error{Op: r.op, Message: "this is no id"} }

// timestamp is a time as Scalingo writes it. What cannot be read is the zero time.
type timestamp time.Time

// UnmarshalJSON reads RFC 3339, with or without a fraction of the second.
func (t *timestamp) UnmarshalJSON(raw []byte) error {
	var text string
	_ = json.Unmarshal(raw, &text)
	at, err := time.Parse(time.RFC3339, text)
	*t = timestamp{}
	if err == nil {
		*t = timestamp(at.UTC())
	}
	return nil
}
