// Package access holds the nouns: person, key, request, approval, grant, placement,
// result, server and audit event, with their states and pure rules, and the interfaces of
// what is needed from outside: the ledger, a target, a directory of people. Package
// workflow changes what the ledger says, package reconcile brings servers in line with it.
//
// The ledger says who should be where. A grant is a row with an end; what must be on
// a server is the union of the grants that are live now.
//
// A request:
//
//	draft ──confirm──────────────────────────────┐
//	waiting_for_key ──register──► pending ──approve──► approved
//	       │                        ├──deny────► denied
//	       └──cancel, offboard──────┼──cancel──► cancelled
//	                                └──time────► expired   (from each open state)
//
// A grant: live ──► ended, because it expired, was revoked, was given back, or its
// person was offboarded.
//
// A placement, one key for one system user on one server:
//
//	wanted ──about to call──► unknown ──confirmed, or found by reading──► placed
//	  │ ▲                        │                                         │ ▲
//	  │ └──no effect, no doubt───┤                         no longer wanted│ │wanted again,
//	  │                          │                                         ▼ │not yet touched
//	  │                          └──no longer wanted────────────────────► leaving
//	  └──no longer wanted──► gone ◄──removed, no doubt───────────────────────┘
//
// A rotation, from its approval on:
//
//	preparing ──pair made──► placing ──placed──► confirming ──all listed──► writing
//	  ▲  ▲  │                   │ │                   │ │                     │ │
//	  │  │  └──changed──► failed ◄┴──refused, too late─┘ │                    │ │
//	  │  └──────its process died, or the write is lost───┴────────────────────┘ │
//	  │                                                                         ▼
//	  │     done ◄──healthy── proving ◄──gone── removing ◄── draining ◄──healthy── checking
//	  │       ▲                  │                  │                              │ ▲
//	  │       └──nothing to remove──────────────────┘                              ▼ │check again
//	  └───rotate again──────── halfway ◄───────────not healthy────────────────────────
//
// A server:
//
//	known ──not found when asked for──► missing ──not found an hour later,──► gone
//	  ▲                                    │        or an approver says so       │
//	  └──found, or in a list───────────────┴─────────────────────────────────────┘
//
// A server that a list of servers lacks is not missing yet: the target is asked for that
// one first. A list that is empty, or that lacks more than a tenth of the known servers, is
// not taken for complete either (TargetState.Doubt). Keys that have to leave a missing
// server still have to.
package access
