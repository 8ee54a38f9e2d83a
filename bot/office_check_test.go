package bot

import (
	"context"

	"sshkeybot/internal/access"
)

func (o *office) Eligible(_ context.Context, id access.UserID) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if id == o.guest {
		return &access.Error{Code: access.Forbidden, Message: "You cannot use this: guests are not given server access."}
	}
	return nil
}

func (o *office) CheckReceiver(context.Context, access.UserID) error { return nil }

func (o *office) CheckServers(_ context.Context, pattern string) error {
	_, err := access.MatchServers([]access.Server{{ID: 101, Name: "web-1"}, {ID: 102, Name: "web-2"}}, pattern)
	return err
}

func (o *office) CheckKey(context.Context, access.UserID, string) error { return nil }

func (o *office) CheckProof(context.Context, access.Proof) error { return nil }

func (o *office) CheckEdit(context.Context, access.Edit) error { return nil }

func (o *office) CheckExtend(context.Context, access.ExtendAsk) error { return nil }

func (o *office) Prove(context.Context, access.Proof) (access.Registration, error) {
	return access.Registration{Fresh: true}, nil
}

func (o *office) FreeKey(_ context.Context, id int64, _ access.UserID) (access.Request, error) {
	return access.Request{ID: id}, nil
}
