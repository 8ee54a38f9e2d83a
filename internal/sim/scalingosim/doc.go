// Package scalingosim is a Scalingo account for tests and demonstrations: its SSH keys and its API tokens
// behind those addresses of the host for authentication that the bot calls, over real HTTP.
//
// It keeps the rules of the real service (Scalingo's API manual, and the recorded answers of its Ruby client)
// and, where those are silent, lets the test choose through [Rules]. It shares no code with the client it
// serves, so that a mistake in a field name cannot hide on both sides.
//
// Everything goes wrong on request: see [Account.Fault], [Account.SetOffline], [Account.SetLatency],
// [Account.SetToken] and [Account.ExpireJWTs]. What really happened is read from [Account.Keys],
// [Account.Tokens] and [Account.Calls], never from the answers.
//
// Two clocks: creation times, last uses, the ends of JSON web tokens and the call log follow Options.Now;
// latency and the rate limit pass in real time, as the client's waiting does.
package scalingosim
