package bottest

import (
	"context"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

func (d *domain) Eligible(_ context.Context, id access.UserID) error {
	d.Lock()
	defer d.Unlock()
	if id == d.Guest {
		return &access.Error{Code: access.Forbidden, Message: "You cannot use this: guests are not given server access."}
	}
	return nil
}

func (d *domain) CheckReceiver(context.Context, access.UserID) error { return nil }

func (d *domain) CheckServers(_ context.Context, pattern string) error {
	_, err := access.MatchServers([]access.Server{{ID: 101, Name: "web-1"}, {ID: 102, Name: "web-2"}}, pattern)
	return err
}

func (d *domain) CheckKey(context.Context, access.UserID, string) error { return nil }

func (d *domain) CheckProof(context.Context, workflow.Proof) error { return nil }

func (d *domain) CheckEdit(context.Context, workflow.Edit) error { return nil }

func (d *domain) CheckExtend(context.Context, workflow.ExtendAsk) error { return nil }

func (d *domain) CheckShown(context.Context, int64, string) error { return nil }
