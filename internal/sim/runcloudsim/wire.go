package runcloudsim

import (
	"cmp"
	"fmt"
	"time"
)

// The JSON forms of the RunCloud API v3 pages.

type serverJSON struct {
	ID             int64     `json:"id"`
	Name           string    `json:"name"`
	Provider       string    `json:"provider"`
	Stack          string    `json:"stack"`
	IPAddress      string    `json:"ipAddress"`
	Country        *string   `json:"country_iso_code"`
	OS             string    `json:"os"`
	OSVersion      *string   `json:"osVersion"`
	Connected      bool      `json:"connected"`
	Online         bool      `json:"online"`
	AgentVersion   *string   `json:"agentVersion"`
	PHPCLIVersion  string    `json:"phpCLIVersion"`
	SoftwareUpdate bool      `json:"softwareUpdate"`
	SecurityUpdate bool      `json:"securityUpdate"`
	TransferStatus string    `json:"transferStatus"`
	CreatedAt      string    `json:"created_at"`
	Tags           []tagJSON `json:"tags"`
}

type tagJSON struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type credentialJSON struct {
	ID        int64  `json:"id"`
	Label     string `json:"label"`
	User      string `json:"user"`
	PublicKey string `json:"publicKey"`
	Temporary *bool  `json:"temporary,omitempty"`
	CreatedAt string `json:"created_at"`
}

type sessionJSON struct {
	Username              string `json:"username"`
	TTY                   string `json:"tty"`
	IPAddress             string `json:"ipAddress"`
	LoginSince            string `json:"loginSince"`
	Idle                  string `json:"idle"`
	CurrentRunningProcess string `json:"currentRunningProcess"`
}

type errorJSON struct {
	Message string `json:"message"`
	Errors  any    `json:"errors,omitempty"`
}

func stamp(t time.Time) string { return t.UTC().Format(time.DateTime) }

func (s *server) json() serverJSON {
	out := serverJSON{
		ID: s.ID, Name: s.Name, Provider: "Hetzner Cloud", Stack: "nginx", OS: "Ubuntu",
		IPAddress: cmp.Or(s.Address, Address(s.ID)),
		Connected: !s.NeverConnected, Online: !s.Offline, PHPCLIVersion: "php83rc", SecurityUpdate: s.ID%3 == 0,
		TransferStatus: "AVAILABLE", CreatedAt: stamp(s.createdAt), Tags: []tagJSON{},
	}
	if !s.NeverConnected {
		out.Country, out.OSVersion, out.AgentVersion = new("DE"), new("jammy"), new("2.8.7-1+ubuntu22.04+11")
	}
	for i, tag := range s.Tags {
		out.Tags = append(out.Tags, tagJSON{ID: i + 1, Name: tag})
	}
	return out
}

func (a *Account) credentialJSON(k Credential) credentialJSON {
	out := a.listedJSON(k)
	out.Temporary = new(k.Temporary)
	return out
}

// listedJSON returns a credential as lists show it, without whether it is temporary.
func (a *Account) listedJSON(k Credential) credentialJSON {
	shown := k.PublicKey
	if !a.rules.FullKeys {
		runes := []rune(shown)
		shown = string(runes[:min(50, len(runes))]) + "..." // as RunCloud shows every key
	}
	return credentialJSON{ID: k.ID, Label: k.Label, User: k.User, PublicKey: shown, CreatedAt: stamp(k.CreatedAt)}
}

// Address returns the IP address of a server that was given none. 198.18.0.0/15 is set aside for benchmarks, so it is
// nobody's.
func Address(server int64) string {
	return fmt.Sprintf("198.18.%d.%d", server/250%250, 1+server%250)
}
