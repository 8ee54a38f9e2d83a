package reconcile

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"sshkeybot/internal/access"
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
func (e *Engine) CountCalls(ctx context.Context, calls int) error {
	if calls == 0 {
		return nil
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		this := month(e.Now())
		before, err := callsIn(ctx, tx, this)
		if err != nil {
			return err
		}
		after, quota := before+calls, e.Settings.MonthlyQuota
		if err := tx.SetFlag(ctx, flagCalls+this, strconv.Itoa(after)); err != nil {
			return err
		}
		if most := quota / 100 * nearQuota; quota == 0 || before >= most || after < most {
			return nil
		}
		return tx.Notify(ctx, access.Notice{Key: "quota:" + this, Kind: access.NoticeQuota, Detail: fmt.Sprintf("%d of %d", after, quota)})
	})
}

// CallsThisMonth returns how many calls were counted this month, by all processes.
func (e *Engine) CallsThisMonth(ctx context.Context) (calls int, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		calls, err = callsIn(ctx, tx, month(e.Now()))
		return err
	})
	return calls, err
}

func callsIn(ctx context.Context, tx access.Tx, month string) (int, error) {
	text, err := tx.Flag(ctx, flagCalls+month)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.Atoi(text)
}
