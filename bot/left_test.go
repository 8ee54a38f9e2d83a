package bot

import (
	"context"

	"sshkeybot/internal/access"
)

func (*office) Heard(_ context.Context, _ access.UserID, standing access.Standing) (bool, error) {
	return standing != access.Member, nil
}

func (o *office) Left(_ context.Context, id access.UserID) error {
	unlock, err := o.change()
	defer unlock()
	if err == nil {
		o.left = append(o.left, id)
	}
	return err
}
