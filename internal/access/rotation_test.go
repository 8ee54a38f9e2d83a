package access_test

import (
	"testing"

	"sshkeybot/internal/access"
)

func TestActionsOfRotations(t *testing.T) {
	t.Parallel()
	for state, want := range map[access.RotationState]access.Action{
		access.RotationAsked: access.DidRotationAsked, access.RotationPreparing: access.DidRotationPreparing, access.RotationPlacing: access.DidRotationPlacing,
		access.RotationConfirming: access.DidRotationConfirming, access.RotationWriting: access.DidRotationWriting, access.RotationChecking: access.DidRotationChecking,
		access.RotationDraining: access.DidRotationDraining, access.RotationRemoving: access.DidRotationRemoving, access.RotationProving: access.DidRotationProving,
		access.RotationHalfway: access.DidRotationHalfway, access.RotationDone: access.DidRotationDone, access.RotationFailed: access.DidRotationFailed,
		access.RotationDropped: access.DidRotationDropped,
	} {
		if got := access.DidRotate(state); got != want {
			t.Errorf("%s: %s", state, got)
		}
	}
}

// What a decision is about are the account and its machines, not how they are.
func TestDigestOfRotation(t *testing.T) {
	t.Parallel()
	r := access.Rotation{Space: "s", AccountID: "a", AccountName: "web", SystemUser: "deploy"}
	r.Found.Machines = []access.AccountMachine{{ID: "m", ServerID: 1}}
	same, other := r, r
	same.Found.Machines = []access.AccountMachine{{ID: "m", ServerID: 1, Healthy: true, Health: "Healthy", Name: "renamed"}}
	other.Found.Machines = []access.AccountMachine{{ID: "m", ServerID: 2}}
	if r.Digest() != same.Digest() || r.Digest() == other.Digest() {
		t.Error("the digest is about something else")
	}
	other = r
	other.Found.Edited = true
	if r.Digest() == other.Digest() {
		t.Error("an edit from outside does not count")
	}
	r.Found.Machines = append(r.Found.Machines, access.AccountMachine{ID: "off", Disabled: true})
	if ids := r.Found.MachineIDs(); len(ids) != 1 || ids[0] != "m" {
		t.Errorf("%v", ids)
	}
}
