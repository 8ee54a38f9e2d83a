// Package octopussim is an Octopus Deploy server for tests and demonstrations: spaces, accounts, deployment targets,
// workers and tasks behind those addresses of the REST API that the bot calls.
//
// It keeps the rules of the real service as Octopus's API description, documentation and own clients show them, and
// is strict where these are silent: a PUT replaces an account by what it holds, so what is left out is lost; what is
// written must be whole and well-formed; private keys are never shown. A health check logs in to each machine with
// the public half of the key that the account really has, as Options.LogsIn judges it. It shares no code with the
// client it serves, so that a mistake in a field name cannot hide on both sides.
//
// Everything goes wrong on request: see [Server.Fault], [Server.SetAccess], [Server.SetKey], [Server.SetRateLimit]
// and [TaskRules]. What really happened is read from [Server.Document], [Server.Secret], [Server.PublicKey] and
// [Server.Calls], never from the answers.
//
// Two clocks: everything that is stored or shown follows Options.Now; the window of the rate limit passes in real
// time, as the client's waiting does. The times that the server gives always ascend, also while its clock stands.
package octopussim
