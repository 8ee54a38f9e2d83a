package workflowtest

import (
	"context"
	"sync"
	"time"

	"sshkeybot/internal/access"
)

// People is a directory that holds state.
type People struct {
	mu       sync.Mutex
	standing map[access.UserID]access.Standing
	names    map[access.UserID][2]string // the real one, and the one that is displayed
	Asked    int                         // who somebody is, where no answer of a minute ago will do
}

// Set changes how somebody stands.
func (p *People) Set(id access.UserID, s access.Standing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.standing[id] = s
}

// Call changes the names of somebody.
func (p *People) Call(id access.UserID, realName, displayName string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names[id] = [2]string{realName, displayName}
}

// Profile implements access.Directory.
func (p *People) Profile(_ context.Context, id access.UserID, maxAge time.Duration) (access.Profile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if maxAge < time.Minute {
		p.Asked++
	}
	standing := p.standing[id]
	if standing == "" {
		standing = access.Member
	}
	names := p.names[id]
	return access.Profile{ID: id, Standing: standing, Name: string(id[2:]), RealName: names[0], DisplayName: names[1]}, nil
}

// Members knows no groups.
func (p *People) Members(context.Context, string, time.Duration) ([]access.UserID, error) {
	return nil, nil
}

// Forget has nothing to forget.
func (p *People) Forget(access.UserID) {}

// Title returns what the use cases call the directory.
func (p *People) Title() string { return "the directory" }

// Standings shows everybody but those who are not known.
func (p *People) Standings(ctx context.Context, of []access.UserID) (map[access.UserID]access.Standing, error) {
	shown := map[access.UserID]access.Standing{}
	for _, id := range of {
		if who, err := p.Profile(ctx, id, 0); err != nil || who.Standing != access.Nobody {
			shown[id] = who.Standing
		}
	}
	return shown, nil
}

// Workspace implements access.Directory.
func (p *People) Workspace(context.Context) (string, error) { return "T0TEAM", nil }
