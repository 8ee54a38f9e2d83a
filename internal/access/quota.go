package access

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// flagCalls, with a month behind it, keeps how many calls were made to the target then.
const flagCalls = "calls:"

// nearQuota is from which part of the monthly quota on the team is told, in percent.
const nearQuota = 80

// month names the month of a time. The target's own begins when it is billed, which is
// not known here.
func month(t time.Time) string { return t.UTC().Format("2006-01") }

// CountCalls adds calls to those of this month, and tells the team once when most of the
// quota is used up.
func (s *Service) CountCalls(ctx context.Context, calls int) error {
	if calls == 0 {
		return nil
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		this := month(s.Now())
		before, err := callsIn(ctx, tx, this)
		if err != nil {
			return err
		}
		after, quota := before+calls, s.EngineSettings.MonthlyQuota
		if err := tx.SetFlag(ctx, flagCalls+this, strconv.Itoa(after)); err != nil {
			return err
		}
		if most := quota / 100 * nearQuota; quota == 0 || before >= most || after < most {
			return nil
		}
		return tx.Notify(ctx, Notice{Key: "quota:" + this, Kind: NoticeQuota, Detail: fmt.Sprintf("%d of %d", after, quota)})
	})
}

// CallsThisMonth returns how many calls were counted this month, by all processes.
func (s *Service) CallsThisMonth(ctx context.Context) (calls int, err error) {
	err = s.Store.Read(ctx, func(tx Tx) error {
		calls, err = callsIn(ctx, tx, month(s.Now()))
		return err
	})
	return calls, err
}

func callsIn(ctx context.Context, tx Tx, month string) (int, error) {
	text, err := tx.Flag(ctx, flagCalls+month)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.Atoi(text)
}
