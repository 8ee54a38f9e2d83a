// Package render turns what the domain knows into what people read in Slack: messages,
// modals and the Home tab, as Block Kit and as text. It only computes: it calls nobody, and
// has no clock of its own. Golden files in testdata show what it makes.
package render
