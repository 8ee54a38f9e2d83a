// Package workflowtest runs the use cases and the engine on a real ledger between a played
// target and a played directory, in played time. It is for tests.
package workflowtest
