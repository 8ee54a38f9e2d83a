package app

import "sshkeybot/bot"

// Verbs returns the words that /sshkey understands, in the order of the help.
func Verbs() []bot.Verb { return bot.Verbs() }
