// Package crash holds no code, only tests: the real program, started as a child
// process between a played Slack and a played RunCloud, is killed with SIGKILL,
// paused and stopped at random and at chosen moments, and started again. In the end
// the servers hold exactly the keys of the live grants, and the ledger tells of every
// decision once.
//
//	go test ./internal/crash/                       some rounds, less than a minute
//	go test ./internal/crash/ -crash.rounds 50      many more
//	go test ./internal/crash/ -crash.seed 7         the storms of seed 7 again
//	go test ./internal/crash/ -run TestImage -crash.image FILE
//
// PostgreSQL is tested too, with one and with two replicas, when
// SSHKEYBOT_TEST_POSTGRES names a server.
package crash
