package memnet_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sshkeybot/internal/sim/memnet"
)

// connected returns both ends of a connection.
func connected(t *testing.T) (near, far net.Conn) {
	t.Helper()
	var network memnet.Network
	l, err := network.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	near, err = network.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far = <-accepted
	t.Cleanup(func() { _, _, _ = near.Close(), far.Close(), l.Close() })
	if near.RemoteAddr().String() != l.Addr().String() || far.RemoteAddr().String() != near.LocalAddr().String() {
		t.Errorf("from %v to %v; from %v to %v", near.LocalAddr(), near.RemoteAddr(), far.LocalAddr(), far.RemoteAddr())
	}
	return near, far
}

func write(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := io.WriteString(c, text); n != len(text) || err != nil {
		t.Fatalf("wrote %d bytes of %q: %v", n, text, err)
	}
}

func read(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v, want %q", got, err, want)
	}
}

func TestBothWays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := connected(t)
		write(t, near, "one ") // nobody reads yet
		write(t, near, "two")
		write(t, far, "back")
		read(t, far, "one two")
		read(t, near, "back")
		late := time.AfterFunc(time.Hour, func() { write(t, far, "late") })
		defer late.Stop()
		read(t, near, "late")
	})
}

// What was written before the close can still be read; then the peer finds the end.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := connected(t)
		write(t, near, "last")
		if err := near.Close(); err != nil {
			t.Fatal(err)
		}
		read(t, far, "last")
		if n, err := far.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %d, %v", n, err)
		}
		if _, err := far.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("writing to nobody: %v", err)
		}
		_ = far.Close()
		for _, err := range []error{
			second(near.Read(make([]byte, 1))), second(near.Write([]byte("x"))), near.SetDeadline(time.Now()),
			second(far.Read(make([]byte, 1))), second(far.Write([]byte("x"))), far.SetWriteDeadline(time.Now()),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("after a close: %v", err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestCloseWakesReaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := connected(t)
		time.AfterFunc(time.Second, func() { _ = near.Close() })
		errs := make(chan error, 1)
		go func() { errs <- second(far.Read(make([]byte, 1))) }()
		if err := second(near.Read(make([]byte, 1))); !errors.Is(err, net.ErrClosed) {
			t.Errorf("who closed reads on: %v", err)
		}
		if err := <-errs; !errors.Is(err, io.EOF) {
			t.Errorf("the peer reads on: %v", err)
		}
	})
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := connected(t)
		began := time.Now()
		_ = near.SetReadDeadline(began.Add(time.Hour))
		_ = near.SetReadDeadline(began.Add(time.Minute))
		if err := second(near.Read(make([]byte, 1))); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		write(t, far, "x")
		_ = near.SetDeadline(time.Time{})
		read(t, near, "x")
		_ = near.SetWriteDeadline(time.Now())
		var timeout net.Error
		if err := second(near.Write([]byte("x"))); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("writing after the deadline: %v", err)
		}
	})
}

func TestDial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		const address = "127.0.0.1:80"
		dial := func(ctx context.Context) error {
			c, err := network.DialContext(ctx, "tcp", address)
			if err == nil {
				_ = c.Close()
			}
			return err
		}
		if err := dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody listens: %v", err)
		}
		l, err := network.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := network.Listen("tcp", address); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("the address is taken: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nobody accepts: %v", err)
		}
		time.AfterFunc(time.Second, func() { _ = l.Close() })
		if err := dial(t.Context()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("the listener was closed: %v", err)
		}
		if err := second(l.Accept()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("accepting after the close: %v", err)
		}
		if l, err = network.Listen("tcp", address); err != nil {
			t.Errorf("listening again: %v", err)
		}
		_ = l.Close()
	})
}

// HTTP works over it, with time that is played.
func TestHTTP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var network memnet.Network
		l, err := network.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-time.After(10 * time.Second)
			_, _ = io.Copy(w, r.Body)
		})}
		go func() { _ = server.Serve(l) }()
		defer func() { _ = server.Shutdown(t.Context()) }() // waits for the handlers
		transport := &http.Transport{DialContext: network.DialContext}
		defer transport.CloseIdleConnections()
		for wait, want := range map[time.Duration]bool{time.Minute: true, time.Second: false} {
			client := &http.Client{Transport: transport, Timeout: wait}
			answer, err := client.Post("http://"+l.Addr().String(), "text/plain", strings.NewReader("hello"))
			if (err == nil) != want {
				t.Errorf("with a timeout of %v: %v", wait, err)
			}
			if err == nil {
				body, _ := io.ReadAll(answer.Body)
				_ = answer.Body.Close()
				if string(body) != "hello" {
					t.Errorf("the answer is %q", body)
				}
			}
		}
	})
}
