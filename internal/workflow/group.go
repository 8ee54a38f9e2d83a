package workflow

import (
	"context"
	"strings"
	"time"

	"sshkeybot/internal/access"
)

// flagGroup, with a user group behind it, keeps its members when it could last be read,
// or that it is refused.
const flagGroup = "group:"

const (
	groupRead    = "members "
	groupRefused = "refused"
)

// members reads a user group in the given way. One that is refused for good counts as
// empty, and the approvers are told of it once.
func (s *Service) members(ctx context.Context, group string, read func(ctx context.Context, group string) ([]access.UserID, error)) ([]access.UserID, error) {
	ids, err := read(ctx, group)
	switch access.CodeOf(err) {
	case access.NotFound, access.Forbidden:
		return nil, s.rememberGroup(ctx, group, groupRefused, access.MessageOf(err))
	}
	if err != nil {
		return nil, err
	}
	return ids, s.rememberGroup(ctx, group, groupRead+joinIDs(ids), "")
}

// groupMaxAge is how old what is known of a user group may be for those who look.
const groupMaxAge = 15 * time.Second

// membersNow reads a user group for those who decide.
func (s *Service) membersNow(ctx context.Context, group string) ([]access.UserID, error) {
	return s.Directory.Members(ctx, group, 0)
}

// lastMembers reads a user group for those who look: while it cannot be read, its last
// known members stand in.
func (s *Service) lastMembers(ctx context.Context, group string) ([]access.UserID, error) {
	ids, err := s.members(ctx, group, func(ctx context.Context, group string) ([]access.UserID, error) {
		return s.Directory.Members(ctx, group, groupMaxAge)
	})
	if err == nil {
		return ids, nil
	}
	known, readErr := s.groupFlag(ctx, group)
	if readErr != nil || known == "" {
		return nil, err
	}
	return splitIDs(strings.TrimPrefix(known, groupRead)), nil
}

func (s *Service) groupFlag(ctx context.Context, group string) (value string, err error) {
	err = s.Store.Read(ctx, func(tx access.Tx) error {
		value, err = tx.Flag(ctx, flagGroup+group)
		return err
	})
	return value, err
}

// rememberGroup keeps what a reading of a group came to, and tells when it was refused
// where it was not before, once a day at most.
func (s *Service) rememberGroup(ctx context.Context, group, value, cause string) error {
	if known, err := s.groupFlag(ctx, group); err != nil || known == value {
		return err
	}
	return s.Store.Update(ctx, func(tx access.Tx) error {
		known, err := tx.Flag(ctx, flagGroup+group)
		if err != nil || known == value {
			return err
		}
		if err := tx.SetFlag(ctx, flagGroup+group, value); err != nil || value != groupRefused {
			return err
		}
		key := "group:" + group + ":" + s.Now().UTC().Format(time.DateOnly)
		return tx.Notify(ctx, access.Notice{Key: key, Kind: access.NoticeGroup, Detail: group + " " + cause})
	})
}

func joinIDs(ids []access.UserID) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = string(id)
	}
	return strings.Join(words, " ")
}

func splitIDs(text string) (ids []access.UserID) {
	for word := range strings.FieldsSeq(text) {
		if word != groupRefused {
			ids = append(ids, access.UserID(word))
		}
	}
	return ids
}
