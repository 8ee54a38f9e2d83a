// Package play is the demo: a played Slack workspace with its people, played systems beside it, the real
// bot between them, and a web page on the loopback interface to use them all.
//
// The page shows Slack as each of the people sees it, what really lies on every server, and switches with
// which things go wrong. Every server answers SSH on a port of its own and lets in exactly the keys
// that lie there.
//
// Who opens the address that the terminal shows may do everything on the page. Its key is good for one
// exchange, against a token that the page sends in a header of every call.
package play
