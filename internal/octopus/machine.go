package octopus

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// StyleSSH is the communication style of a machine that is logged in to over SSH.
const StyleSSH = "Ssh"

// The states of health. Healthy and HasWarnings mean that the machine was logged in to.
const (
	Healthy     = "Healthy"
	HasWarnings = "HasWarnings"
	Unhealthy   = "Unhealthy"
	Unavailable = "Unavailable"
	Unknown     = "Unknown"
)

// Machine is a deployment target or a worker.
type Machine struct {
	ID           string
	Name         string
	Worker       bool   // it is a worker
	HealthStatus string // after the last health check; see [Healthy]
	IsDisabled   bool
	IsInProcess  bool // a task works on it
	Endpoint     Endpoint
}

// Endpoint is how a machine is reached. AccountID, Host and Port are set for [StyleSSH].
type Endpoint struct {
	CommunicationStyle string
	AccountID          string `json:"AccountId"`
	Host               string // name or address
	Port               int
}

// UnmarshalJSON reads Octopus's form. Of an endpoint that is not for SSH it reads the style alone, as the fields of
// other kinds may have other types.
func (e *Endpoint) UnmarshalJSON(raw []byte) error {
	type plain Endpoint
	var w struct{ CommunicationStyle string }
	if err := json.Unmarshal(raw, &w); err != nil || w.CommunicationStyle != StyleSSH {
		*e = Endpoint{CommunicationStyle: w.CommunicationStyle}
		return err
	}
	return json.Unmarshal(raw, (*plain)(e))
}

// Machines returns all deployment targets of a space, or an error: never a part of them. Octopus cannot list
// those of one account.
func (c *Client) Machines(ctx context.Context, space string) ([]Machine, error) {
	return c.machines(ctx, path{space, "machines"}, false)
}

// Workers returns all workers of a space, or an error: never a part of them.
func (c *Client) Workers(ctx context.Context, space string) ([]Machine, error) {
	return c.machines(ctx, path{space, "workers"}, true)
}

type machineJSON struct {
	ID           string `json:"Id"`
	Name         string
	HealthStatus string
	IsDisabled   bool
	IsInProcess  bool
	Endpoint     Endpoint
}

func (c *Client) machines(ctx context.Context, p path, worker bool) ([]Machine, error) {
	items, err := all(ctx, c, p, nil, func(m machineJSON) string { return m.ID })
	if err != nil {
		return nil, err
	}
	machines := make([]Machine, len(items))
	for i, m := range items {
		machines[i] = Machine{m.ID, m.Name, worker, m.HealthStatus, m.IsDisabled, m.IsInProcess, m.Endpoint}
	}
	return machines, nil
}

// Connection is the result of a machine's last health check.
type Connection struct {
	Status      string    // Octopus documents no values
	LastChecked time.Time // by the clock of the server; the zero time if it never was
}

// Connection returns the result of the last health check of a machine, of which ID and Worker are looked at.
func (c *Client) Connection(ctx context.Context, space string, m Machine) (Connection, error) {
	kind := "machines"
	if m.Worker {
		kind = "workers"
	}
	var w struct {
		MachineID   string `json:"MachineId"`
		Status      string
		LastChecked *time.Time
	}
	p := path{space, kind, m.ID, "connection"}
	if err := c.get(ctx, p, nil, &w); err != nil {
		return Connection{}, err
	}
	if w.MachineID != m.ID {
		return Connection{}, unexpected(http.MethodGet, p, "the answer is of another machine")
	}
	connection := Connection{Status: w.Status}
	if w.LastChecked != nil && w.LastChecked.Year() > 1 {
		connection.LastChecked = w.LastChecked.UTC()
	}
	return connection, nil
}
