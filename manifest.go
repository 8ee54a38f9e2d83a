// Package sshkeybot carries the files of the top level that the binary prints.
package sshkeybot

import _ "embed"

// Manifest is the Slack app's manifest, in YAML.
//
//go:embed manifest.yml
var Manifest string
