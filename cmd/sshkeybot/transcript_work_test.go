package main

import (
	"fmt"
	"time"

	"sshkeybot/internal/sim/runcloudsim"
)

func sixtyServers() []runcloudsim.Server {
	var all []runcloudsim.Server
	for i := range 60 {
		all = append(all, runcloudsim.Server{ID: int64(201 + i), Name: fmt.Sprintf("shop-%02d", i+1)})
	}
	return all
}

func bigAccount() chapter {
	return chapter{title: "A big account", servers: sixtyServers(), scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.scene("All servers, for a long time")
		p.account.SetOnline(204, false)
		p.account.SetOnline(205, false)
		p.types(playAlice, "grant @alice 7d for the big update")
		p.channel(playBob, 1)
		p.presses(playBob, 1, "Approve")
		p.thread(playBob, 1)

		p.scene("Root, beside access that there is already")
		p.types(playAlice, "grant @alice 1h on shop-01,shop-02 as root for a kernel update")
		p.channel(playBob, 2)
		p.presses(playBob, 2, "Approve")
		p.channel(playBob, 2)

		p.scene("Longer on servers where the keys are")
		p.types(playAlice, "grant @alice 14d on shop-0?")
		p.channel(playCarol, 3)
	}}
}

func failures() chapter {
	servers := append(threeServers(), runcloudsim.Server{ID: 104, Name: "db-02"})
	return chapter{title: "Servers that make trouble", servers: servers, scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.scene("One server refuses, one is offline")
		mend := p.account.Fault(runcloudsim.FaultRule{Server: 103, Op: runcloudsim.OpCreate, Kind: runcloudsim.FaultStatus, Status: 403, Message: "This action is unauthorized."})
		p.account.SetOnline(104, false)
		p.types(playAlice, "grant @alice 3h for the monthly update")
		p.presses(playBob, 1, "Approve")
		p.thread(playBob, 1)

		p.scene("Bob retries too early")
		p.presses(playBob, 1, "Retry failed")
		p.thread(playBob, 1)
		p.presses(playBob, 1, "Retry failed")

		p.scene("The token is given more rights, and Bob retries")
		mend()
		p.later(2*time.Minute, "Two minutes pass")
		p.presses(playBob, 1, "Retry failed")
		p.threadEnd(playBob, 1)
		p.presses(playBob, 1, "Retry failed")

		p.scene("The other server comes back")
		p.account.SetOnline(104, true)
		p.later(20*time.Minute, "Twenty minutes pass")
		p.thread(playAlice, 1)
	}}
}

func ending() chapter {
	return chapter{title: "Using access and giving it back", servers: threeServers(), scenes: func(p *telling) {
		p.types(playAlice, "register "+playKey(p.t, playAlice))
		p.scene("Access begins")
		p.opensHome(playAlice)
		p.types(playAlice, "grant @alice 2h on web-* for the campaign")
		p.opensHome(playBob)
		p.presses(playBob, 1, "Approve")
		p.home(playAlice)
		p.home(playBob)

		p.scene("Access ends soon, and Alice needs more time")
		p.later(106*time.Minute, "An hour and 46 minutes pass")
		dms := p.slack.DMs(playAlice.id)
		p.opensForm(playAlice, dms[len(dms)-1], "Extend")
		p.chooses(playAlice, "Other…")
		p.wrongly(playAlice, field{"other_duration", "a bit", ""})
		p.rightly(playAlice, field{"duration/duration", "1h", ""})
		p.channel(playBob, 2)
		p.home(playBob)
		p.presses(playBob, 2, "Approve")
		p.channel(playBob, 2)
		p.channel(playBob, 1)
		p.home(playBob)

		p.scene("The time is over")
		v, err := p.app.Service.View(p.t.Context(), 1)
		p.must(err)
		p.at(v.Grant.EndsAt, "The time passes")
		p.thread(playAlice, 1)
		p.home(playAlice)
		p.types(playAlice, "extend @alice 1h")
		p.types(playAlice, "done")

		p.scene("Alice is done early")
		p.types(playAlice, "grant @alice 8h on db-01")
		p.presses(playCarol, 3, "Approve")
		p.types(playAlice, "done")
		p.thread(playBob, 3)
	}}
}
