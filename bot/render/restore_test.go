package render

import (
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/reconcile"
	"sshkeybot/internal/workflow"
)

func (w world) restoreCases() map[string]any {
	mark := access.Restored{
		At: noon(), HeadAt: noon().Add(-26 * time.Hour), Head: access.Head{Seq: 1234, Hash: fingerprint(1)}, Last: access.LastIDs{Request: 41, Grant: 30, Skipped: 29_901_930},
		Closed: 2, Acts: 1, Request: 12,
	}
	asked := func(state access.RequestState, change func(*workflow.RestoredView)) workflow.RequestView {
		v := w.request(access.KindRestore, state)
		v.Request.Asker, v.Request.Person, v.Request.Reason, v.Request.ExpiresAt = "", "", "", time.Time{}
		v.Keys, v.Servers = nil, nil
		v.Restored = &workflow.RestoredView{Restored: mark, People: true, Live: []workflow.GrantView{w.access()}}
		if change != nil {
			change(v.Restored)
		}
		return v
	}
	reading := asked(access.Pending, func(v *workflow.RestoredView) {
		v.People = false
		v.Unread = reconcile.Unread{
			Targets: []access.TargetState{{Name: "RunCloud", Doubt: "The list is empty."}, {Name: w.foreign("agency"), HaltedAt: noon()}},
			Servers: w.refs(),
		}
	})
	found := asked(access.Pending, func(v *workflow.RestoredView) {
		v.Found = w.offboarding(allDone, 3).Candidates
		v.Left = []access.Request{{ID: 14, Person: bob}}
		v.Gone = []access.Placement{{ID: 1}, {ID: 2}}
	})
	nothing := asked(access.Pending, func(v *workflow.RestoredView) { v.Closed, v.Acts, v.Live = 0, 0, nil })
	stalled := asked(access.Pending, nil)
	stalled.Request.Undecidable = true
	done := asked(access.Approved, nil)
	notice := access.Notice{Kind: access.NoticeDecidable, RequestID: 12}
	return map[string]any{
		"restored-reading":   Request(reading, noon()),
		"restored-found":     Request(found, noon()),
		"restored-nothing":   Request(nothing, noon()),
		"restored-stalled":   Request(stalled, noon()),
		"restored-continued": Request(done, noon()),
		"notice-continue":    Notice(notice, &found, nil, Post{}),
		"reply-continued":    Decided(done.Request, access.Approve),
	}
}
