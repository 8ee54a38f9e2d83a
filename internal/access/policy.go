package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Eligible tells whether a user may take part at all, as Slack describes them now.
func (s *Service) Eligible(ctx context.Context, id UserID) error {
	_, err := s.participant(ctx, id)
	return err
}

// participant answers the profile of somebody who may take part.
func (s *Service) participant(ctx context.Context, id UserID) (Profile, error) {
	return s.fullMember(ctx, id, "You cannot use this: %s.", "An offboarding has ended your access, so you cannot use this.")
}

// member answers the profile of somebody else who is to receive access, and refuses
// whoever may not.
func (s *Service) member(ctx context.Context, id UserID) (Profile, error) {
	profile, err := s.fullMember(ctx, id, "This person cannot be given access: %s.", "This person's access was ended by an offboarding, so they cannot be given any.")
	if e, ok := errors.AsType[*Error](err); ok && e.Code == Forbidden {
		e.About = id
	}
	return profile, err
}

// fullMember answers the profile of a full, active member of our own workspace who has
// not been offboarded, and refuses everybody else in the given words.
func (s *Service) fullMember(ctx context.Context, id UserID, refusal, offboarded string) (Profile, error) {
	profile, err := s.Directory.Profile(ctx, id)
	if err != nil {
		return Profile{}, err
	}
	if reason := refusalOf(profile.Standing); reason != "" {
		return Profile{}, forbidden(fmt.Sprintf(refusal, reason))
	}
	out, err := s.stillOut(ctx, id)
	if err == nil && out {
		err = forbidden(offboarded)
	}
	return profile, err
}

// stillOut tells whether an active member is offboarded. Somebody who was offboarded
// only because Slack said that the account was deactivated is back when Slack says
// that it is active; whoever was offboarded by a person stays out.
func (s *Service) stillOut(ctx context.Context, id UserID) (out bool, err error) {
	var person Person
	err = s.Store.Read(ctx, func(tx Tx) error {
		person, err = tx.Person(ctx, id)
		return err
	})
	if err != nil || !person.Offboarded() {
		return false, err
	}
	profile, err := s.Directory.ProfileNow(ctx, id) // what was heard before may be older than the offboarding
	if err != nil || profile.Standing != Member {
		return true, err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		last, err := lastOffboarding(ctx, tx, id)
		if err != nil {
			return err
		}
		if out = !strings.HasPrefix(last.Source, leftSource); out {
			return nil
		}
		if err := tx.ClearOffboarded(ctx, id); err != nil {
			return err
		}
		return s.audit(ctx, tx, id, "person.return", "request", last.ID, "offboarded", "active", string(id))
	})
	return out, err
}

func refusalOf(standing Standing) string {
	switch standing {
	case Member:
		return ""
	case Deactivated:
		return "the Slack account is deactivated"
	case Bot:
		return "bots have no keys here"
	case Guest:
		return "guests of this workspace are not given server access"
	case Outsider:
		return "only members of this workspace itself are given server access"
	case Nobody:
		return "Slack knows no such user"
	}
	return "Slack did not say who that is"
}

// IsGroup tells whether one of the approvers in the settings is a user group (S…), and
// not a user.
func IsGroup(approver string) bool { return strings.HasPrefix(approver, "S") }

// IsApprover tells whether a user is named as an approver, directly or through a group.
func (s *Service) IsApprover(ctx context.Context, id UserID) (bool, error) {
	approvers, err := s.Approvers(ctx)
	return slices.Contains(approvers, id), err
}

// Approvers lists the configured approvers, groups resolved, without the offboarded.
func (s *Service) Approvers(ctx context.Context) ([]UserID, error) {
	var named []UserID
	for _, entry := range s.Settings.Approvers {
		if !IsGroup(entry) {
			named = append(named, UserID(entry))
			continue
		}
		members, err := s.Directory.Members(ctx, entry)
		if err != nil {
			return nil, err
		}
		named = append(named, members...)
	}
	slices.Sort(named)
	named = slices.Compact(named)
	return s.withoutOffboarded(ctx, named)
}

func (s *Service) withoutOffboarded(ctx context.Context, ids []UserID) (kept []UserID, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
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

// mustApprove refuses everybody who is not an approver in good standing.
func (s *Service) mustApprove(ctx context.Context, id UserID) error {
	if err := s.Eligible(ctx, id); err != nil {
		return err
	}
	is, err := s.IsApprover(ctx, id)
	if err == nil && !is {
		err = s.forApprovers("Only an approver may do this.")
	}
	return err
}

// forApprovers refuses and says who may.
func (s *Service) forApprovers(message string) error {
	return &Error{Code: Forbidden, Message: message, Ask: s.Settings.Approvers}
}

// mayDecide refuses those who may not decide a request.
func (s *Service) mayDecide(ctx context.Context, r Request, id UserID) error {
	if err := s.mustApprove(ctx, id); err != nil {
		return err
	}
	return s.independent(r, id)
}

// independent refuses who asks and who receives, unless the team allows it.
func (s *Service) independent(r Request, id UserID) error {
	switch {
	case s.Settings.SelfApproval:
		return nil
	case id == r.Asker:
		return forbidden("You asked for this yourself, so another approver has to decide it.")
	case id == r.Person:
		return forbidden("This is about your own access, so another approver has to decide it.")
	}
	return nil
}

// deciders refuses a request that nobody would be left to decide.
func (s *Service) deciders(ctx context.Context, r Request) error {
	approvers, err := s.Approvers(ctx)
	if err != nil {
		return err
	}
	found := 0
	for _, id := range approvers {
		if s.independent(r, id) != nil {
			continue
		}
		active, err := s.lookedActive(ctx, id, lookedFresh)
		if err != nil {
			return err
		}
		if active {
			found++
		}
		if found >= s.Settings.Approvals {
			return nil
		}
	}
	return forbidden(fmt.Sprintf("Nobody is left who may decide this. Approvers needed, besides you and the person it is for: %d. Active: %d. "+
		"Ask whoever runs me to name more people in SSHKEYBOT_APPROVERS.", s.Settings.Approvals, found))
}

// lookedFresh is how old an answer may be that only tells whether anybody is left
// to decide. Whoever then decides is asked for anew.
const lookedFresh = 5 * time.Second

// looks remembers who somebody was when last looked at.
type looks struct {
	mu   sync.Mutex
	seen map[UserID]look
}

type look struct {
	profile Profile
	at      time.Time
}

// lookedActive tells whether somebody is an active member, from an answer no older than
// fresh.
func (s *Service) lookedActive(ctx context.Context, id UserID, fresh time.Duration) (bool, error) {
	profile, err := s.looked(ctx, id, fresh)
	return profile.Standing == Member, err
}

// looked answers who somebody is, or was no longer than fresh ago: many may ask in the
// same moment.
func (s *Service) looked(ctx context.Context, id UserID, fresh time.Duration) (Profile, error) {
	now := s.Now()
	s.looks.mu.Lock()
	known, ok := s.looks.seen[id]
	s.looks.mu.Unlock()
	if age := now.Sub(known.at); ok && age >= 0 && age < fresh {
		return known.profile, nil
	}
	profile, err := s.Directory.Profile(ctx, id)
	if err != nil {
		return Profile{}, err
	}
	s.looks.mu.Lock()
	defer s.looks.mu.Unlock()
	if s.looks.seen == nil {
		s.looks.seen = map[UserID]look{}
	}
	s.looks.seen[id] = look{profile, now}
	return profile, nil
}
