package runcloud

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestServer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want Server
	}{
		"documented": {
			`{"id":1203,"name":"web-01","provider":"Hetzner Cloud","stack":"nginx","ipAddress":"192.0.2.10","country_iso_code":"DE",
			"connected":true,"online":true,"softwareUpdate":false,"transferStatus":"AVAILABLE","created_at":"2026-01-09 06:56:05","tags":[]}`,
			Server{
				ID: 1203, Name: "web-01", Provider: "Hetzner Cloud", IPAddress: "192.0.2.10", Connected: true, Online: true,
				TransferStatus: "AVAILABLE", CreatedAt: time.Date(2026, 1, 9, 6, 56, 5, 0, time.UTC),
			},
		},
		"never connected": {`{"id":1,"osVersion":null,"agentVersion":null,"connected":false,"online":null,"tags":null}`, Server{ID: 1}},
		"loose types":     {`{"id":"12","connected":1,"online":"0","created_at":7}`, Server{ID: 12, Connected: true}},
		"tags":            {`{"id":1,"tags":[{"id":3,"name":"prod"},"eu",{"id":4},7]}`, Server{ID: 1, Tags: []string{"prod", "eu"}}},
		"tags as object":  {`{"id":1,"tags":{}}`, Server{ID: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := answering(t, "GET /servers/5", tt.body).Server(t.Context(), 5)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestServerWithoutID(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"name":"x"}`, `{"id":null}`, `{"id":"many"}`, `{"id":1,"online":"perhaps"}`} {
		if got, err := answering(t, "GET /servers/5", body).Server(t.Context(), 5); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: %+v, err %v", body, got, err)
		}
	}
}
