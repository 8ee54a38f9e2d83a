// Package sshsim plays the SSH side of servers for tests and demonstrations: each played server answers SSH on a
// port of its own of 127.0.0.1, and lets in exactly the keys that lie in the authorized_keys file of the system user
// at the moment of the login. Who is in is told something, and the session ends.
//
// It reads the file as OpenSSH's sshd does: "AUTHORIZED_KEYS FILE FORMAT" in sshd(8), and, where the manual is
// silent, auth2-pubkeyfile.c, auth-options.c and sshkey.c of OpenSSH. It runs nothing: there is no daemon, no Unix
// account, no shell, no file transfer and no forwarding.
//
// Two clocks: the expiry-time of a line follows Options.Now; the deadlines of connections pass in real time, as the
// client's waiting does.
package sshsim
