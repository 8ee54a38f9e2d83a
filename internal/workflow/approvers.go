package workflow

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"sshkeybot/internal/access"
)

// IsGroup reports whether one of the approvers in the settings is a user group (S…), and
// not a user.
func IsGroup(approver string) bool { return strings.HasPrefix(approver, "S") }

// IsApprover reports whether a user is an approver, named directly or through a group,
// as far as that is known: it is for those who look. Who decides is asked about anew.
func (s *Service) IsApprover(ctx context.Context, id access.UserID) (bool, error) {
	named, err := s.isListedApprover(ctx, id, s.lastMembers)
	if err != nil || !named {
		return false, err
	}
	left, err := s.withoutOffboarded(ctx, []access.UserID{id})
	return len(left) > 0, err
}

// Approvers lists the configured approvers, groups resolved, without the offboarded. Of
// a group that cannot be read now, those count who were in it when it last could.
func (s *Service) Approvers(ctx context.Context) ([]access.UserID, error) {
	known, err := s.knownApprovers(ctx)
	if len(known) > 0 {
		return known, nil
	}
	return nil, err
}

// knownApprovers is Approvers, with the error of a group about whose members nothing is
// known beside those who are known.
func (s *Service) knownApprovers(ctx context.Context) ([]access.UserID, error) {
	var named []access.UserID
	var trouble error
	for _, entry := range s.Settings.Approvers {
		if !IsGroup(entry) {
			named = append(named, access.UserID(entry))
			continue
		}
		members, err := s.lastMembers(ctx, entry)
		named, trouble = append(named, members...), cmp.Or(trouble, err)
	}
	slices.Sort(named)
	kept, err := s.withoutOffboarded(ctx, slices.Compact(named))
	return kept, cmp.Or(err, trouble)
}

// isListedApprover reports whether a user is named as an approver. Who is named directly needs no
// group to be read.
func (s *Service) isListedApprover(ctx context.Context, id access.UserID, read func(ctx context.Context, group string) ([]access.UserID, error)) (bool, error) {
	if slices.Contains(s.Settings.Approvers, string(id)) {
		return true, nil
	}
	var trouble error
	for _, group := range s.Settings.Approvers {
		if !IsGroup(group) {
			continue
		}
		members, err := s.members(ctx, group, read)
		if slices.Contains(members, id) {
			return true, nil
		}
		trouble = cmp.Or(trouble, err)
	}
	return false, trouble
}

func (s *Service) withoutOffboarded(ctx context.Context, ids []access.UserID) (kept []access.UserID, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		kept = kept[:0]
		for _, id := range ids {
			person, err := tx.Person(ctx, id)
			if err != nil {
				return err
			}
			if !person.Offboarded() {
				kept = append(kept, id)
			}
		}
		return nil
	})
	return kept, err
}
