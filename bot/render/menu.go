package render

import (
	"slices"

	"github.com/slack-go/slack"
)

// menuOptions is how many options a menu of Slack's holds, and each group of one.
const menuOptions = 100

// staticMenu is a menu of any number of options: many stand in groups, each named by its first and last.
func staticMenu(action string, options []*slack.OptionBlockObject) *slack.SelectBlockElement {
	if len(options) <= menuOptions {
		return slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, action, options...)
	}
	var groups []*slack.OptionGroupBlockObject
	for some := range slices.Chunk(options, menuOptions) {
		label := plainText(some[0].Text.Text, 35) + " – " + plainText(some[len(some)-1].Text.Text, 35)
		groups = append(groups, slack.NewOptionGroupBlockElement(plain(label), some...))
	}
	return slack.NewOptionsGroupSelectBlockElement(slack.OptTypeStatic, nil, action, groups...)
}
