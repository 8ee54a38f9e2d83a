// Package sshkeybot embeds the files of the top directory that the program prints.
package sshkeybot

import _ "embed"

// Manifest is the Slack app's manifest, in YAML.
//
//go:embed manifest.yml
var Manifest string
