// Package bot is everything Slack, and only Slack: what people do there becomes
// calls of use cases, and what those answer becomes messages.
//
// What somebody does is stored before Slack's envelope is acknowledged, so that
// no crash loses it, and is handled after that, one thing at a time for each
// person. Opening a modal comes first: its trigger lives three seconds, and it
// changes nothing. Messages about a request are drawn anew from stored state by
// the Announcer, which a durable queue calls until Slack shows what is so.
package bot
