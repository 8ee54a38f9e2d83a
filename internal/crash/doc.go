// Package crash contains only tests. The real program, started as a child process with a
// simulated Slack and a simulated RunCloud, is killed with SIGKILL, paused and stopped, at
// random and at chosen moments, and started again. In the end the servers must have exactly
// the keys of the live grants, every acknowledged envelope must be handled, and the audit log
// must have every decision once.
//
//	go test ./internal/crash/                       some rounds, less than a minute
//	go test ./internal/crash/ -crash.rounds 50      many more
//	go test ./internal/crash/ -crash.seed 7         the storms of seed 7 again
//	go test ./internal/crash/ -run "Image|Service" -crash.image FILE
//
// PostgreSQL is tested too, with one and with two replicas, when
// SSHKEYBOT_TEST_POSTGRES names a server.
package crash
