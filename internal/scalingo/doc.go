// Package scalingo is a client of those calls of Scalingo's API that concern an account itself: its SSH
// keys and its API tokens. They are on the host for authentication, which all regions share.
//
// A [Client] is safe for use by many goroutines. What it promises:
//
// # Authentication
//
// The API token is exchanged for a JSON web token, which is good for about an hour; calls that need one at
// the same time share one exchange. When a call is refused with 401, that JSON web token is dropped and
// the call repeated once with a new one, whatever its method: a call that was refused was not carried out.
// A second 401, and one of the exchange itself, are errors for which [IsUnauthorized] holds.
//
// # Retries
//
//   - GET and DELETE are tried three times after a connection error, a 5xx and an answer that cannot be
//     read, with jittered exponential backoff, and once where there is no answer in time. A DELETE that was
//     retried may answer 404 because an earlier attempt was applied, so [IsNotFound] of a DELETE means that
//     the thing is gone.
//   - POST is sent once. [IsOutcomeUnknown] says whether it may have been applied all the same; then read
//     the list before posting again.
//   - A 429 is never retried. The limiter holds the calls that follow for a minute, since Scalingo does
//     not say how long to wait.
//
// # Lists
//
// Scalingo documents no pages for these lists, and its own clients know none. A list that says that it has
// pages, that has no rows at all where there should be a list of them, that is longer than the client
// reads, or whose ids are missing or not unique, is an error, never a short list.
//
// # Errors
//
// Whatever Scalingo answered, or did not, comes as an [*Error]; the Is… functions sort them by status
// alone, since a 404 is a web page and a 429 is plain text. No error and no log line holds a token, an
// e-mail address or a whole body, and the owner of a key is never read.
//
// # Rate limit
//
// Scalingo accepts 60 calls a minute (its API manual, front page), and does not say whether that is for a
// token, an account or an address. The client makes 45, of which ten may start at once; exchanges count.
// [WithLimiter] shares a limiter, and [limiter.WithPriority] says which calls go first.
package scalingo
