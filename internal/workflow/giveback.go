package workflow

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"sshkeybot/internal/access"
)

// flagGivenBack, with a person behind it, keeps the Source of their last giving back,
// and what was given.
const flagGivenBack = "given_back:"

// GiveBack ends a person's own live grants, or one of them. The same Source again, after
// a crash, ends nothing, since what began meanwhile was not meant: it returns what was
// given back then.
func (s *Service) GiveBack(ctx context.Context, actor access.UserID, grantID int64, source string) ([]access.Grant, error) {
	if err := s.Eligible(ctx, actor); err != nil {
		return nil, err
	}
	var given []access.Grant
	err := s.Store.Update(ctx, func(tx access.Tx) error {
		before, done, err := s.givenBack(ctx, tx, actor, source)
		if err != nil || done {
			given = before
			return err
		}
		live, err := tx.Grants(ctx, access.GrantQuery{State: access.Live, Person: actor})
		if err != nil {
			return err
		}
		given = slices.DeleteFunc(live, func(g access.Grant) bool { return grantID != 0 && g.ID != grantID })
		if err := tx.SetFlag(ctx, flagGivenBack+string(actor), source+givenGrants(given)); err != nil {
			return err
		}
		return s.endGrants(ctx, tx, ending{actor: actor, reason: access.EndGivenBack}, given)
	})
	if err == nil && len(given) == 0 {
		err = access.NewNotFound("You have no access that could be given back.")
	}
	return given, err
}

// givenGrants writes the grants behind a Source, each after a line break.
func givenGrants(given []access.Grant) (text string) {
	for _, g := range given {
		text += "\n" + strconv.FormatInt(g.ID, 10)
	}
	return text
}

// givenBack returns the grants that were given back when this Source came before.
func (s *Service) givenBack(ctx context.Context, tx access.Tx, actor access.UserID, source string) (given []access.Grant, done bool, err error) {
	last, err := tx.Flag(ctx, flagGivenBack+string(actor))
	lines := strings.Split(last, "\n")
	if err != nil || lines[0] != source {
		return nil, false, err
	}
	for _, line := range lines[1:] {
		id, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			return nil, false, err
		}
		g, err := tx.Grant(ctx, id)
		if err != nil {
			return nil, false, err
		}
		given = append(given, g)
	}
	return given, true, nil
}
