// Package deploy holds tests alone: of the files in this folder, which run the bot in a container engine, under
// systemd or in Kubernetes. It is a module of its own, so that the bot needs none of what they need.
package deploy
