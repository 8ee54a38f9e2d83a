package play

import (
	"slices"
	"time"

	"sshkeybot/internal/config"
	"sshkeybot/internal/sim/octopussim"
	"sshkeybot/internal/sim/runcloudsim"
	"sshkeybot/internal/sim/scalingosim"
	"sshkeybot/internal/sim/slacksim"
)

// The people of the played workspace. Bob and Carol are approvers.
const (
	Alice = "U0ALICE"
	Bob   = "U0BOB"
	Carol = "U0CAROL"
	Dave  = "U0DAVE"
	Gus   = "U0GUS"
)

// The channels of the played workspace: where requests are posted, and where it is announced that somebody left.
const (
	Ops      = "C0OPS"
	Security = "C0SECURITY"
)

// player is one of the people, and what the page says of them.
type player struct {
	slacksim.User
	Note string
}

func players() []player {
	return []player{
		{slacksim.User{ID: Alice, Name: "alice", RealName: "Alice Adams", TZ: "Europe/Lisbon"}, "Lisbon"},
		{slacksim.User{ID: Bob, Name: "bob", RealName: "Bob Brown", TZ: "Europe/Berlin"}, "approver, Berlin"},
		{slacksim.User{ID: Carol, Name: "carol", RealName: "Carol Clark", TZ: "America/New_York"}, "approver, New York"},
		{slacksim.User{ID: Dave, Name: "dave", RealName: "Dave Das", TZ: "Asia/Kolkata"}, "Kolkata"},
		{slacksim.User{ID: Gus, Name: "gus", RealName: "Gus Green", TZ: "Europe/London", IsRestricted: true}, "a guest, London"},
	}
}

// playerWith returns the one of the people with that ID, if it is one of theirs.
func playerWith(id string) (p player, ok bool) {
	all := players()
	i := slices.IndexFunc(all, func(p player) bool { return p.ID == id })
	if i < 0 {
		return p, false
	}
	return all[i], true
}

// nameOf returns the name of one of the people, or the ID of somebody else.
func nameOf(id string) string {
	if p, ok := playerWith(id); ok {
		return p.RealName
	}
	return id
}

// zoneOf returns the time zone of one of the people; UTC for anybody else, and where the machine does not know the zone.
func zoneOf(id string) *time.Location {
	p, _ := playerWith(id)
	zone, err := time.LoadLocation(p.TZ)
	if err != nil {
		return time.UTC
	}
	return zone
}

// addPlayers has the people and channels enter a workspace.
func addPlayers(w *slacksim.Workspace) {
	var members []string
	for _, person := range players() {
		w.AddUser(person.User)
		members = append(members, person.ID)
	}
	w.AddChannel(slacksim.Channel{ID: Ops, Name: "ops", Members: append(members, w.BotUserID()), Bot: true})
	w.AddChannel(slacksim.Channel{ID: Security, Name: "security", Members: []string{Alice, Bob, Carol, Dave, w.BotUserID()}, Bot: true})
}

// addresses are where the played systems listen.
type addresses struct{ slack, runcloud, scalingo, octopus string }

func settings(slack *slacksim.Workspace, at addresses, database string) config.Config {
	return config.Config{
		Slack:     config.Slack{BotToken: config.NewSecret(slack.BotToken()), AppToken: config.NewSecret(slack.AppToken()), APIURL: at.slack},
		RunClouds: []config.RunCloud{{Name: "runcloud", Token: config.NewSecret(runcloudsim.DefaultToken), APIURL: at.runcloud + "/api/v3", TemporaryLifetime: 12 * time.Hour}},
		Scalingo:  &config.Scalingo{Token: config.NewSecret(scalingosim.DefaultToken), AuthURL: at.scalingo, Grants: true},
		Octopus:   &config.Octopus{URL: at.octopus, APIKey: config.NewSecret(octopussim.DefaultKey)},
		Approvers: []string{Bob, Carol}, ApprovalChannel: Ops, AnnounceChannel: Security, Approvals: 1,
		Keep: 400 * 24 * time.Hour, RequestTTL: 8 * time.Hour, MinDuration: 5 * time.Minute, MaxDuration: 30 * 24 * time.Hour,
		LongGrants: config.LongGrantsRenew, SystemUser: SystemUser, SystemUsers: []string{SystemUser},
		OffboardDeactivated: config.OffboardDeactivatedRun, DatabaseURL: config.NewSecret("sqlite:" + database), Concurrency: 16,
	}
}
