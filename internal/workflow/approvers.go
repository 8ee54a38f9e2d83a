package workflow

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"sshkeybot/internal/access"
)

// IsGroup reports whether one of the approvers in the settings is a user group (S…), and
// not a user.
func IsGroup(approver string) bool { return strings.HasPrefix(approver, "S") }

// Asked returns those of the deciders whom messages mention.
func (v RequestView) Asked() []string {
	return slices.DeleteFunc(slices.Clone(v.Deciders), func(id string) bool { return slices.Contains(v.Quiet, id) })
}

// Reminded returns those of the deciders whom the reminder mentions: who was not mentioned before,
// or all where all were.
func (v RequestView) Reminded() []string {
	if len(v.Quiet) > 0 {
		return v.Quiet
	}
	return v.Deciders
}

// stillAsked lists the configured approvers that may still decide a request: without
// those who ask or receive, those who have approved it and those who were offboarded.
// Groups stay whole.
func (s *Service) stillAsked(ctx context.Context, tx access.Tx, r access.Request, given []access.Approval) (asked []string, err error) {
	for _, id := range s.Settings.Approvers {
		decides, err := s.stillDecides(ctx, tx, r, given, access.UserID(id))
		if err != nil {
			return nil, err
		}
		if decides {
			asked = append(asked, id)
		}
	}
	return asked, nil
}

// stillDecides reports whether somebody who is an approver may still decide a request.
func (s *Service) stillDecides(ctx context.Context, tx access.Tx, r access.Request, given []access.Approval, id access.UserID) (bool, error) {
	person, err := tx.Person(ctx, id)
	approved := slices.ContainsFunc(given, func(a access.Approval) bool { return a.Approver == id })
	return !approved && !person.Offboarded() && s.checkIndependent(r, id) == nil, err
}

// viewQuiet fills in which of the deciders only the reminder mentions: none of them where the
// others are not enough to decide, since somebody has to hear of it.
func (s *Service) viewQuiet(ctx context.Context, tx access.Tx, v *RequestView) error {
	if len(s.Settings.Quiet) == 0 {
		return nil
	}
	needed := 1
	if v.Request.State == access.Pending {
		needed = v.Needed - len(v.Approvals)
	}
	var quiet []string
	loud := map[access.UserID]bool{}
	for _, entry := range v.Deciders {
		if slices.Contains(s.Settings.Quiet, entry) {
			quiet = append(quiet, entry)
			continue
		}
		people, err := peopleOf(ctx, tx, entry)
		if err != nil {
			return err
		}
		for _, id := range people {
			if loud[id], err = s.stillDecides(ctx, tx, v.Request, v.Approvals, id); err != nil {
				return err
			}
		}
	}
	maps.DeleteFunc(loud, func(_ access.UserID, decides bool) bool { return !decides })
	if len(loud) >= max(1, needed) {
		v.Quiet = quiet
	}
	return nil
}

// peopleOf returns the user that an entry of the approvers is, or the last known members of the
// group.
func peopleOf(ctx context.Context, tx access.Tx, entry string) ([]access.UserID, error) {
	if !IsGroup(entry) {
		return []access.UserID{access.UserID(entry)}, nil
	}
	known, err := tx.Flag(ctx, flagGroup+entry)
	return splitIDs(strings.TrimPrefix(known, groupRead)), err
}

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
