package render

import (
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func (w world) reinstateCases() map[string]any {
	asked := func(state access.RequestState) workflow.RequestView {
		v := w.request(access.KindReinstate, state)
		v.Grant, v.Keys, v.Servers, v.Results, v.Request.Pattern = nil, nil, nil, nil, ""
		v.Subject = access.Person{ID: v.Request.Person, OffboardedAt: noon().Add(-24 * time.Hour)}
		return v
	}
	back := w.offboarding(allDone, 0)
	back.Subject = access.Person{ID: bob, ReinstatedAt: back.Request.DecidedAt.Add(time.Hour)}
	done := asked(access.Approved)
	notice := access.Notice{Kind: access.NoticeReinstated, RequestID: 12, Detail: "14"}
	return map[string]any{
		"reinstate-pending":    Request(asked(access.Pending), noon()),
		"reinstate-approved":   Request(done, noon()),
		"reinstate-denied":     Request(asked(access.Denied), noon()),
		"draft-reinstate":      Draft(asked(access.Draft)),
		"offboard-reinstated":  Request(back, noon()),
		"notice-reinstated":    Notice(notice, &back, nil, Post{}),
		"notice-decided-again": Notice(access.Notice{Kind: access.NoticeDecided}, &done, nil, Post{Channel: "C0OPS"}),
		"reply-reinstated":     Confirmed(done.Request),
		"reply-reinstating":    Decided(done.Request, access.Approve),
	}
}
