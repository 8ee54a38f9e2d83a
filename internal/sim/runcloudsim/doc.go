// Package runcloudsim is a RunCloud account for tests and demonstrations: servers, SSH credentials and
// sessions behind those addresses of the API v3 that the bot calls, over real HTTP.
//
// It keeps the rules of the real service (RunCloud API v3 pages) and, where those are silent, lets the
// test choose through [Rules]. A server that is offline answers reads of its credentials and refuses the
// rest with a 500. It shares no code with the client it serves, so that a mistake in a field
// name cannot hide on both sides.
//
// Everything goes wrong on request: see [Account.Fault], [Account.SetOnline], [Account.SetRateLimit],
// [Account.SetQuota] and [Account.AllowOnly]. What really happened is read from [Account.Keys] and
// [Account.Calls], never from the answers.
//
// Two clocks: creation times, expiry and the call log follow Options.Now; latency and the rate limit
// window pass in real time, as the client's waiting does.
package runcloudsim
