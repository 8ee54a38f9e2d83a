// Package slacksim plays a Slack workspace with one installed app: those parts of
// the Web API and of Socket Mode that the bot uses, over real HTTP and WebSocket on
// the loopback interface, and the people who use it. Demo and tests run the real
// bot against it.
//
// Render and RenderView draw what people see as text, HTML and ViewHTML for a web page.
//
// # Enforced
//
//   - Tokens in the Authorization header or the form, the app-level token in the
//     header only; scopes (missing_scope with needed and provided), X-OAuth-Scopes.
//   - Every limit of Block Kit that Slack publishes for the blocks and elements the
//     bot sends; lengths in code points; the unpublished total of about 13,200
//     rendered characters; block_id unique in the message or view, action_id in its
//     block. CheckMessage and CheckView are the same checks for golden tests.
//   - A broken limit answers Slack's error and is kept in Violations. A missing
//     top-level text beside blocks is only warned of, as by Slack, and kept too.
//   - Membership, archived channels, private channels the bot must not know of,
//     chat.update and chat.delete of own messages only, threads by the parent's ts.
//   - Modals: triggers of one use within TriggerLife, required inputs, errors under
//     the block_id of an input.
//   - What was entered in an input stays there when the view is updated, under the same
//     block_id and action_id.
//   - External options: the app is asked for them from min_query_length characters on,
//     and only what it suggested can be chosen.
//   - response_url: five uses in 30 minutes.
//   - Socket Mode: one-time tickets, hello, pings, pongs, close handshakes, at most
//     ten connections, envelopes spread at random over them, the disconnect
//     reasons, acknowledgements within AckLimit and under 20 KB, no second try for
//     commands and clicks, three for events.
//   - Rate limits by tier and one post a second and channel (Options.RateLimits).
//
// # Stricter than Slack
//
//   - Methods, blocks, elements and fields that the bot does not use are refused as
//     unknown: first play them, then use them.
//   - chat.postMessage refuses text over 4,000 characters, which Slack splits into
//     several messages.
//   - Channels are addressed by ID only, never by name.
//   - A block_suggestion has to be acknowledged with a list of options, if an empty one.
//   - dispatch_action is for menus with fixed options, links lead to https only.
//   - The bot has to be in the channel for chat.postEphemeral and for files.
//
// # Where Slack does not say
//
//   - An acknowledgement over another connection than the envelope's counts, and
//     sets Delivery.Other.
//   - An event is sent again in a new envelope with the same event_id.
//   - A deactivated person is left out of user groups.
//   - An input whose chosen option is gone from the updated view holds its first value.
//   - apps.connections.open counts as Tier 1 with a burst of ten.
//   - The bursts of posting (four) and what response_url answers after its end
//     (404, expired_url or used_url).
//
// # Faults
//
// Fail makes single calls fail, before or after they were carried out; Outage
// takes all of Slack away; DropSockets, Deafen, Refresh, Warn, DisableLink,
// DuplicateNext and SendRaw disturb the sockets.
package slacksim
