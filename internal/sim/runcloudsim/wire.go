package runcloudsim

import (
	"slices"
	"time"
)

// The JSON forms of the RunCloud API v3 pages.

type serverJSON struct {
	ID             int64   `json:"id"`
	Name           string  `json:"name"`
	Provider       string  `json:"provider"`
	Stack          string  `json:"stack"`
	IPAddress      string  `json:"ipAddress"`
	Country        *string `json:"country_iso_code"`
	OS             string  `json:"os"`
	OSVersion      *string `json:"osVersion"`
	Connected      bool    `json:"connected"`
	Online         bool    `json:"online"`
	AgentVersion   *string `json:"agentVersion"`
	PHPCLIVersion  string  `json:"phpCLIVersion"`
	SoftwareUpdate bool    `json:"softwareUpdate"`
	SecurityUpdate bool    `json:"securityUpdate"`
	TransferStatus string  `json:"transferStatus"`
	CreatedAt      string  `json:"created_at"`
	Tags           []any   `json:"tags"`
}

type tagJSON struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type userJSON struct {
	ID            int64   `json:"id"`
	Username      string  `json:"username"`
	DeploymentKey *string `json:"deploymentKey"`
	Deletable     bool    `json:"deleteable"` // RunCloud's spelling
	CreatedAt     string  `json:"created_at"`
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

type sshSettingsJSON struct {
	PasswordlessLogin bool `json:"passwordlessLogin"`
	UseDNS            bool `json:"useDns"`
	PreventRootLogin  bool `json:"preventRootLogin"`
}

type errorJSON struct {
	Message string `json:"message"`
	Errors  any    `json:"errors,omitempty"`
}

func stamp(t time.Time) string { return t.UTC().Format(time.DateTime) }

func (a *Account) serverJSON(s *server) serverJSON {
	out := serverJSON{
		ID: s.ID, Name: s.Name, Provider: s.Provider, Stack: "nginx", IPAddress: s.IPAddress, OS: "Ubuntu",
		Connected: !s.NeverConnected, Online: !s.Offline, PHPCLIVersion: "php83rc", SecurityUpdate: s.ID%3 == 0,
		TransferStatus: s.TransferStatus, CreatedAt: stamp(s.CreatedAt), Tags: []any{},
	}
	if !s.NeverConnected {
		out.Country, out.OSVersion, out.AgentVersion = new("DE"), new("jammy"), new("2.8.7-1+ubuntu22.04+11")
	}
	for i, tag := range s.Tags {
		if a.rules.TagsAsStrings {
			out.Tags = append(out.Tags, tag)
		} else {
			out.Tags = append(out.Tags, tagJSON{ID: i + 1, Name: tag})
		}
	}
	return out
}

func (s *server) userJSON(u systemUser) userJSON {
	return userJSON{
		ID: u.id, Username: u.name, Deletable: slices.Contains(s.Users, u.name), CreatedAt: stamp(s.CreatedAt),
	}
}

func (a *Account) credentialJSON(k *key, inList bool) credentialJSON {
	out := credentialJSON{ID: k.ID, Label: k.Label, User: k.User, PublicKey: k.PublicKey, CreatedAt: stamp(k.CreatedAt)}
	if !a.rules.FullKeys {
		out.PublicKey = cut(k.PublicKey)
	}
	if !inList || a.rules.ListTemporary {
		out.Temporary = new(k.Temporary)
	}
	return out
}

// cut is what RunCloud shows of a key: its first 50 characters and three dots.
func cut(publicKey string) string {
	runes := []rune(publicKey)
	return string(runes[:min(50, len(runes))]) + "..."
}
