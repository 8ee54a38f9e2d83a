// Package runcloud is a client of the RunCloud API v3.
//
// A [Client] is safe for use by many goroutines. What it promises:
//
// # Retries
//
//   - GET and DELETE are tried again after a connection error, a 429, a 5xx and an answer that is not
//     JSON, with jittered exponential backoff ([WithRetry]) and never before the Retry-After of the
//     answer. After a longer wait than 5 seconds nothing is tried again: the error is returned with its
//     RetryAfter, and the limiter holds the calls that follow. Nor is it after [WithTimeout].
//   - POST is sent once. [IsOutcomeUnknown] says whether it may have been applied all the same; then
//     read the list before posting again. A DELETE that was retried may answer 404 because an
//     earlier attempt was applied, so [IsNotFound] of a DELETE means that the thing is gone.
//   - A 401 is never retried. RunCloud returns it for a wrong token and for a caller whose address is
//     not on the workspace's allow-list (RunCloud API v3 intro page, "using the RunCloud API" page).
//
// # Lists
//
// Every page is read, 40 items at a time, and items are told apart by id. The number collected is
// compared with the total RunCloud states; after a bounded number of new readings a difference is a
// [*ListError], never a short list. Links to next pages are never followed, and a page that is not
// full is never taken for the last.
//
// # Errors
//
// Whatever RunCloud answered, or did not, comes as an [*Error]; the Is… functions sort them. An
// answer that is HTML, empty or otherwise not JSON is an error at every status, and so is a redirect.
// No error and no log line holds the token or a whole body.
//
// # Rate limit
//
// All calls pass a [limiter.Limiter]: [WithLimiter] shares it, and [limiter.WithPriority] says which calls go
// first. It takes at once what RunCloud says is left, and adapts to what RunCloud accepts beyond that.
package runcloud
