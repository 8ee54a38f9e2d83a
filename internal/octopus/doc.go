// Package octopus is a client of the REST API of Octopus Deploy, as far as the SSH key pair accounts of a space
// and the machines that use them go.
//
// A [Client] is safe for use by many goroutines. What it promises:
//
// # Retries
//
//   - GET is tried again after a connection error, a timeout, a 429, a 5xx and an answer that is not JSON, with
//     jittered exponential backoff ([WithRetry]) and never before the Retry-After of the answer. After a longer
//     wait than 5 seconds nothing is tried again: the error is returned with its RetryAfter, and the limiter
//     holds the calls that follow.
//   - PUT and POST are sent once. [IsOutcomeUnknown] reports whether one may have been carried out all the same:
//     read the account, or look for the task with [Client.FindHealth], before sending it again.
//
// # Accounts
//
// Octopus replaces an account by what a PUT holds, so an [Account] keeps the whole document as it was read, also
// what this package does not know. Nothing guards against an edit between GET and PUT: the last one wins. A
// private key is write-only, and appears in no error, log or print.
//
// # Lists
//
// Every page is read, and items are told apart by id. Their number is compared with the total that Octopus
// states; after a bounded number of new readings a difference is a [*ListError], never a short list. Octopus
// searches names for a part, so names are compared whole here.
//
// # Errors
//
// Whatever Octopus answered, or did not, comes as an [*Error]; the Is… functions sort them. An answer that is
// HTML, empty or otherwise not JSON is an error at every status, and so is a redirect. FullException of an error
// body is never read.
//
// # Rate limit
//
// All calls pass a [limiter.Limiter]: [WithLimiter] shares it. Newer servers answer 429 with Retry-After; without
// that header the calls pause for a minute, which is the window of Octopus's limit (its page on rate limiting).
package octopus
