package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"sshkeybot/internal/access"
)

// flagCalls, with a target and a month behind it, keeps how many calls were made then.
const flagCalls = "calls:"

// nearQuota is from which part of the monthly quota on the team is told, in percent.
const nearQuota = 80

// month names the month of a time. The target's own begins when it is billed, which is
// not known here.
func month(t time.Time) string { return t.UTC().Format("2006-01") }

// CountCalls adds calls to those made to a target this month, and tells the team once when
// most of its quota is used up.
func (e *Engine) CountCalls(ctx context.Context, target string, calls int) error {
	if calls == 0 {
		return nil
	}
	return e.Store.Update(ctx, func(tx access.Tx) error {
		this := target + ":" + month(e.Now())
		before, err := callsIn(ctx, tx, this)
		if err != nil {
			return err
		}
		after, quota := before+calls, e.quota(target)
		if err := tx.SetFlag(ctx, flagCalls+this, strconv.Itoa(after)); err != nil {
			return err
		}
		if most := quota / 100 * nearQuota; quota == 0 || before >= most || after < most {
			return nil
		}
		return tx.Notify(ctx, access.Notice{Key: "quota:" + this, Kind: access.NoticeQuota, Target: e.Title(target), Detail: fmt.Sprintf("%d of %d", after, quota)})
	})
}

// moveCalls counts the calls of this month for a target by the name that it has now.
func (e *Engine) moveCalls(ctx context.Context, tx access.Tx, from, to string) error {
	this := ":" + month(e.Now())
	before, err := callsIn(ctx, tx, from+this)
	if err != nil || before == 0 {
		return err
	}
	since, err := callsIn(ctx, tx, to+this)
	if err != nil {
		return err
	}
	return errors.Join(tx.SetFlag(ctx, flagCalls+to+this, strconv.Itoa(before+since)), tx.SetFlag(ctx, flagCalls+from+this, ""))
}

// quota returns how many calls a month a target's team has paid for; 0 when that is not
// known.
func (e *Engine) quota(target string) int {
	t, err := e.target(target)
	if metered, ok := t.(access.Metered); ok && err == nil {
		return metered.MonthlyQuota()
	}
	return 0
}

// CallsThisMonth returns how many calls to a target were counted this month, by all
// processes.
func (e *Engine) CallsThisMonth(ctx context.Context, target string) (calls int, err error) {
	err = e.Store.Read(ctx, func(tx access.Tx) error {
		calls, err = callsIn(ctx, tx, target+":"+month(e.Now()))
		return err
	})
	return calls, err
}

func callsIn(ctx context.Context, tx access.Tx, name string) (int, error) {
	text, err := tx.Flag(ctx, flagCalls+name)
	if err != nil || text == "" {
		return 0, err
	}
	return strconv.Atoi(text)
}
