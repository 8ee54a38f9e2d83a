package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// ErrOther is returned by Ask if something else answers than a bot that uses that ledger.
var ErrOther = errors.New("another process answers there, or a bot on another database")

// Ask returns nil if a bot that uses that ledger, by its name, answers on its health pages. The
// address is the one that they are served at, so its host may be empty or that of every interface.
// It asks whether the process lives, and not whether it can do its work: that may be up to others.
func Ask(ctx context.Context, address, ledger string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1" // also of [::], where Go listens for both versions of IP
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 3 * time.Second} // no proxy is asked
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s: %w", answer.Status, ErrOther)
	}
	var process struct{ Ledger string }
	if err := json.NewDecoder(io.LimitReader(answer.Body, 4<<10)).Decode(&process); err != nil || process.Ledger != ledger {
		return ErrOther
	}
	return nil
}
