package check

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"sshkeybot/bot/slackapi"
	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// approvers checks everybody whom the settings name, and whether they are enough.
func (c Checker) approvers(ctx context.Context, web *http.Client) []Finding {
	directory := c.directory(web)
	var findings []Finding
	var able []access.UserID
	for _, id := range c.Config.AllApprovers() {
		look := c.user
		if workflow.IsGroup(id) {
			look = c.group
		}
		finding, people := look(ctx, directory, id)
		findings, able = append(findings, finding), append(able, people...)
	}
	slices.Sort(able)
	return append(findings, c.enough(len(slices.Compact(able))))
}

// quietly adds to a finding on an approver that only the reminder mentions them.
func (c Checker) quietly(id string) string {
	if slices.Contains(c.Config.ApproversQuiet, id) {
		return " Only the reminder mentions them."
	}
	return ""
}

// setting returns the one that names an approver.
func (c Checker) setting(id string) string {
	if slices.Contains(c.Config.ApproversQuiet, id) {
		return "SSHKEYBOT_APPROVERS_QUIET"
	}
	return "SSHKEYBOT_APPROVERS"
}

func (c Checker) user(ctx context.Context, directory *slackapi.Directory, id string) (Finding, []access.UserID) {
	name := "approver " + id
	profile, err := directory.Profile(ctx, access.UserID(id), 0)
	switch {
	case err != nil:
		return lookupFailed(name, err), nil
	case profile.Standing != access.Member:
		return problem(name, "Cannot decide: "+standing(profile.Standing)+".", "Take "+id+" out of "+c.setting(id)+", or name somebody else."), nil
	}
	return ok(name, "@"+profile.Name+" is a full member."+c.quietly(id)), []access.UserID{profile.ID}
}

func standing(s access.Standing) string {
	switch s {
	case access.Deactivated:
		return "the account is deactivated"
	case access.Bot:
		return "this is a bot"
	case access.Guest:
		return "this is a guest"
	case access.Outsider:
		return "this account is not of this workspace"
	case access.Invited:
		return "the invitation to this workspace has not been accepted yet"
	case access.Member, access.Nobody:
	}
	return "Slack knows no such user in this workspace"
}

// countsAsEmpty is what the bot does about a group that Slack does not let it read.
const countsAsEmpty = " It counts as empty."

// mostMembers is how many members of one group are looked up, with one call each.
const mostMembers = 25

// lookupFailed is the finding on a user or group that could not be looked up.
func lookupFailed(name string, err error) Finding {
	switch access.CodeOf(err) {
	case access.RateLimited:
		return warning(name, "Not looked at: Slack asks to wait a moment.", "Check again in a minute; a bot that runs with the same token asks as well.")
	case access.Unauthorized:
		return problem(name, "Slack does not let the bot ask.", mendScopes)
	}
	return problem(name, access.MessageOf(err), mendWay)
}

func (c Checker) group(ctx context.Context, directory *slackapi.Directory, id string) (Finding, []access.UserID) {
	name := "approver group " + id
	members, err := directory.Members(ctx, id, 0)
	switch {
	case access.CodeOf(err) == access.NotFound:
		return problem(name, access.MessageOf(err)+countsAsEmpty, "Take the ID from the group's menu in Slack (Copy group ID); it begins with S."), nil
	case access.CodeOf(err) == access.Forbidden:
		return problem(name, access.MessageOf(err)+countsAsEmpty, mendScopes+" Or name the people themselves in "+c.setting(id)+"."), nil
	case err != nil:
		return lookupFailed(name, err), nil
	}
	var able []access.UserID
	for _, member := range members[:min(len(members), mostMembers)] {
		profile, err := directory.Profile(ctx, member, 0)
		if err != nil {
			return lookupFailed(name, err), able
		}
		if profile.Standing == access.Member {
			able = append(able, member)
		}
	}
	if len(members) > mostMembers && len(able) > 0 {
		return ok(name, fmt.Sprintf("%d of the first %d members can decide; the other %d were not asked for, since Slack allows only some hundred questions a minute.",
			len(able), mostMembers, len(members)-mostMembers)+c.quietly(id)), able
	}
	if len(able) == 0 {
		return problem(name, "Nobody in it is an active, full member.", "Add people to the group in Slack."), nil
	}
	return ok(name, fmt.Sprintf("%d of its %d members can decide.", len(able), len(members))+c.quietly(id)), able
}

// enough compares the number of people who can decide with the approvals that a request needs.
func (c Checker) enough(able int) Finding {
	const name = "approvals"
	needed := c.Config.Approvals
	text := fmt.Sprintf("A request needs %d of the %d people who can decide.", needed, able)
	switch {
	case able < needed:
		return problem(name, text, "Name more people in SSHKEYBOT_APPROVERS, or ask for fewer with SSHKEYBOT_APPROVALS.")
	case able == needed && !c.Config.SelfApproval:
		return warning(name, text+" What one of them asks for, or receives, is refused: nobody may decide on their own access.",
			"Name one more person in SSHKEYBOT_APPROVERS.")
	}
	return ok(name, text)
}
