package workflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"sshkeybot/internal/access"
)

// Eligible refuses a user who may take no part at all.
func (s *Service) Eligible(ctx context.Context, id access.UserID) error {
	_, err := s.requireParticipant(ctx, id, actorMaxAge)
	return err
}

// requireParticipant returns the profile of somebody who may take part.
func (s *Service) requireParticipant(ctx context.Context, id access.UserID, maxAge time.Duration) (access.Profile, error) {
	return s.fullMember(ctx, id, maxAge, "You cannot use this: %s.", "An offboarding has ended your access, so you cannot use this. "+staysOut)
}

// staysOut says what undoes an offboarding.
const staysOut = "That holds until approvers reinstate the person."

// requireMember returns the profile of somebody else who is to receive access, and refuses
// whoever may not.
func (s *Service) requireMember(ctx context.Context, id access.UserID, maxAge time.Duration) (access.Profile, error) {
	profile, err := s.fullMember(ctx, id, maxAge, "cannot be given access: %s.", "was offboarded, so they cannot be given access. "+staysOut)
	if e, ok := errors.AsType[*access.Error](err); ok && e.Code == access.Forbidden {
		e.About = id
	}
	return profile, err
}

// fullMember returns the profile of a full, active member of our own workspace who is
// not out since an offboarding, and refuses everybody else in the given words.
func (s *Service) fullMember(ctx context.Context, id access.UserID, maxAge time.Duration, refusal, offboarded string) (access.Profile, error) {
	profile, err := s.Directory.Profile(ctx, id, maxAge)
	if err != nil {
		return access.Profile{}, err
	}
	if reason := s.refusalOf(profile.Standing); reason != "" {
		return access.Profile{}, access.NewForbidden(fmt.Sprintf(refusal, reason))
	}
	profile, out, err := s.afterLeaving(ctx, profile)
	switch reason := s.refusalOf(profile.Standing); {
	case err != nil:
		return access.Profile{}, err
	case out:
		return access.Profile{}, access.NewForbidden(offboarded)
	case reason != "":
		return access.Profile{}, access.NewForbidden(fmt.Sprintf(refusal, reason))
	}
	return profile, nil
}

// afterLeaving looks again at a member of whom the ledger says that they left: what the directory
// said before may be older than that. It reports whether they are out.
func (s *Service) afterLeaving(ctx context.Context, profile access.Profile) (now access.Profile, out bool, err error) {
	var person access.Person
	look := func(tx access.Tx) (err error) {
		if person, err = tx.Person(ctx, profile.ID); err != nil {
			return err
		}
		out, err = isOffboarded(ctx, tx, profile.ID)
		return err
	}
	if err := s.Store.Read(ctx, look); err != nil || person.Standing == "" {
		return profile, out, err
	}
	now, err = s.Directory.Profile(ctx, profile.ID, 0)
	if err != nil || now.Standing != access.Member {
		return now, out, err
	}
	if err := s.accountActive(ctx, profile.ID); err != nil {
		return now, out, err
	}
	return now, out, s.Store.Read(ctx, look)
}

func (s *Service) refusalOf(standing access.Standing) string {
	switch standing {
	case access.Member:
		return ""
	case access.Deactivated:
		return "the " + s.Directory.Title() + " account is deactivated"
	case access.Bot:
		return "bots have no keys here"
	case access.Guest:
		return "guests of this workspace are not given server access"
	case access.Outsider:
		return "only members of this workspace itself are given server access"
	case access.Invited:
		return "the invitation to this workspace has not been accepted yet"
	case access.Nobody:
		return s.Directory.Title() + " knows no such user"
	}
	return s.Directory.Title() + " did not say who that is"
}

// requireApprover refuses everybody who is not an approver in good standing now.
func (s *Service) requireApprover(ctx context.Context, id access.UserID) error {
	if _, err := s.requireParticipant(ctx, id, 0); err != nil {
		return err
	}
	named, err := s.isListedApprover(ctx, id, s.membersNow)
	if err != nil {
		return err
	}
	if !named {
		return s.approversOnly("Only an approver may do this.")
	}
	left, err := s.withoutOffboarded(ctx, []access.UserID{id})
	if err == nil && len(left) == 0 {
		err = s.approversOnly("You were offboarded and have returned, so you decide nothing until another approver reinstates you. Ask one of them to decide this, and to reinstate you.")
	}
	return err
}

// approversOnly refuses and says who may.
func (s *Service) approversOnly(message string) error {
	return &access.Error{Code: access.Forbidden, Message: message, Ask: s.Settings.Approvers}
}

// requireDecider refuses those who may not decide a request.
func (s *Service) requireDecider(ctx context.Context, r access.Request, id access.UserID) error {
	if err := s.requireApprover(ctx, id); err != nil {
		return err
	}
	return s.checkIndependent(r, id)
}

// checkIndependent refuses who asks and who receives, unless the team allows it for such a request.
func (s *Service) checkIndependent(r access.Request, id access.UserID) error {
	switch {
	case s.Settings.SelfApproval && !r.Kind.NeedsAnother():
		return nil
	case id == r.Asker:
		return askedYourself()
	case id == r.Person:
		return access.NewForbidden("This is about your own access, so another approver has to decide it.")
	}
	return nil
}

func askedYourself() error {
	return access.NewForbidden("You asked for this yourself, so another approver has to decide it.")
}

// requireDeciders refuses a request that nobody would be left to decide. Any other error means
// that this is not known.
func (s *Service) requireDeciders(ctx context.Context, r access.Request) error {
	approvers, trouble := s.knownApprovers(ctx)
	found := 0
	for _, id := range approvers {
		if s.checkIndependent(r, id) != nil {
			continue
		}
		active, err := s.active(ctx, id, deciderMaxAge)
		if active {
			found++
		}
		if found >= s.Settings.needed(r.Kind) {
			return nil
		}
		trouble = cmp.Or(trouble, err)
	}
	if trouble != nil {
		return trouble
	}
	return access.NewForbidden(fmt.Sprintf("Nobody is left who may decide this. Approvers needed, besides you and the person it is for: %d. Active: %d. "+
		"Ask whoever runs me to name more people in SSHKEYBOT_APPROVERS.", s.Settings.Approvals, found))
}

// How old an answer of the directory may be to who somebody is. Whoever decides, and whoever
// receives access by that, is asked for anew.
const (
	actorMaxAge   = time.Second     // whoever does something: doing one thing asks several times
	deciderMaxAge = 5 * time.Second // whoever might be left to decide
)

// active reports whether somebody is an active member, by an answer no older than maxAge.
func (s *Service) active(ctx context.Context, id access.UserID, maxAge time.Duration) (bool, error) {
	profile, err := s.Directory.Profile(ctx, id, maxAge)
	return profile.Standing == access.Member, err
}

// ProfileChanged drops what is remembered of a person whose account has changed, and reports
// whether it is to be looked at, since the ledger has them otherwise.
func (s *Service) ProfileChanged(ctx context.Context, id access.UserID, standing access.Standing) (concerns bool, err error) {
	s.Directory.Forget(id)
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		person, err := tx.Person(ctx, id)
		if err != nil || standing == cmp.Or(person.Standing, access.Member) {
			concerns = false
			return err
		}
		known, err := isKnown(ctx, tx, id)
		concerns = known || person.Offboarded() || person.Standing != ""
		return err
	})
	return concerns, err
}
