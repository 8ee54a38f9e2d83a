package main

import (
	"context"
	"errors"
	"fmt"

	"sshkeybot/internal/play"
	"sshkeybot/internal/sshkey"
	"sshkeybot/internal/workflow"
)

// lendsAccount has Alice ask for the Scalingo account, make an API token with her key, and give everything back:
// the token outlives the key, and is put before Bob.
func (s *stage) lendsAccount(ctx context.Context, key sshkey.Key) error {
	if err := s.types(ctx, "grant @alice 4h on scalingo for a deployment that fails"); err != nil {
		return err
	}
	request, err := s.approves(ctx, 2)
	if err != nil {
		return err
	}
	if err := s.finished(ctx, 2, atRest); err != nil {
		return err
	}
	s.says("Alice logs in to Scalingo with her key, and makes an API token")
	if _, ok := s.Scalingo.NewTokenByKey(key.Authorized(), "alice-laptop"); !ok {
		return errors.New("the key is not on the account")
	}
	if err := s.types(ctx, "done"); err != nil {
		return err
	}
	if err := s.finished(ctx, 2, tokensListed); err != nil {
		return err
	}
	s.says("#ops, as Bob sees it")
	now, _ := s.Slack.Message(play.Ops, request.TS)
	s.shows(s.Slack.Render(now, s.viewer("Europe/Berlin")))
	return s.checkAccount()
}

// tokensListed reports whether the tokens are listed that were made while a grant lent an account.
func tokensListed(v workflow.RequestView) bool { return len(v.Candidates) > 0 && atRest(v) }

// checkAccount prints what is on the account, and returns an error if that is a key, or not both tokens.
func (s *stage) checkAccount() error {
	keys, tokens := s.Scalingo.Keys(), s.Scalingo.Tokens()
	s.says("What Scalingo says")
	s.shows(fmt.Sprintf("The account has no key of Alice's any more, and %d API tokens: the bot's own, and the one that Bob may remove.", len(tokens)))
	if len(keys) != 0 || len(tokens) != 2 {
		return fmt.Errorf("the account has %d keys and %d API tokens", len(keys), len(tokens))
	}
	return nil
}
