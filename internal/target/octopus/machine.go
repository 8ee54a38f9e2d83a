package octopus

import (
	"context"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/octopus"
)

// Uses implements access.KeyedAccounts. What of the other uses Octopus does not let the API key see is not
// counted: they follow the account by themselves.
func (a *Accounts) Uses(ctx context.Context, id string) (access.AccountUses, error) {
	const op = "read uses of account"
	space, err := a.space(ctx)
	if err != nil {
		return access.AccountUses{}, err
	}
	all, err := a.machines(ctx, space)
	if err != nil {
		return access.AccountUses{}, failure(op, err)
	}
	var uses access.AccountUses
	for _, m := range all {
		if m.Endpoint.CommunicationStyle == octopus.StyleSSH && m.Endpoint.AccountID == id {
			uses.Machines = append(uses.Machines, a.machine(ctx, m))
		}
	}
	others, err := a.Client.Usages(ctx, space, id)
	if err != nil && !octopus.IsForbidden(err) {
		return access.AccountUses{}, failure(op, err)
	}
	for _, n := range others.Others {
		uses.Others += n
	}
	return uses, nil
}

// machines returns all targets and workers of a space by name.
func (a *Accounts) machines(ctx context.Context, space string) ([]octopus.Machine, error) {
	targets, err := a.Client.Machines(ctx, space)
	if err != nil {
		return nil, err
	}
	workers, err := a.Client.Workers(ctx, space)
	all := append(targets, workers...)
	slices.SortFunc(all, func(x, y octopus.Machine) int { return strings.Compare(x.Name+"\x00"+x.ID, y.Name+"\x00"+y.ID) })
	return all, err
}

func (a *Accounts) machine(ctx context.Context, m octopus.Machine) access.AccountMachine {
	return access.AccountMachine{
		ID: m.ID, Name: access.CleanText(m.Name), Host: access.CleanText(m.Endpoint.Host), Addresses: a.addresses(ctx, m.Endpoint.Host),
		Worker: m.Worker, Disabled: m.IsDisabled, Healthy: healthy(m), Health: access.CleanText(m.HealthStatus),
	}
}

func healthy(m octopus.Machine) bool {
	return m.HealthStatus == octopus.Healthy || m.HealthStatus == octopus.HasWarnings
}

// StartCheck implements access.KeyedAccounts with a health check.
func (a *Accounts) StartCheck(ctx context.Context, title string, machines []string) (string, error) {
	space, err := a.space(ctx)
	if err != nil {
		return "", err
	}
	task, err := a.Client.StartHealth(ctx, space, title, machines)
	if err != nil {
		return "", failure("start health check", err)
	}
	return task.ID, nil
}

// FindCheck implements access.KeyedAccounts.
func (a *Accounts) FindCheck(ctx context.Context, title string) (string, error) {
	space, err := a.space(ctx)
	if err != nil {
		return "", err
	}
	task, err := a.Client.FindHealth(ctx, space, title)
	if err != nil {
		return "", failure("find health check", err)
	}
	return task.ID, nil
}

// Check implements access.KeyedAccounts. A health check that succeeds proves nothing of a machine by itself: a
// policy may have it skip those that do not answer (issue 5365 of Octopus's), so each is looked at.
func (a *Accounts) Check(ctx context.Context, id string, machines []string, since time.Time) (access.AccountCheck, error) {
	const op = "read health check"
	space, err := a.space(ctx)
	if err != nil {
		return access.AccountCheck{}, err
	}
	task, err := a.Client.Task(ctx, space, id)
	switch {
	case err != nil:
		return access.AccountCheck{}, failure(op, err)
	case !task.IsCompleted:
		return access.AccountCheck{}, nil
	}
	check := access.AccountCheck{Over: true, Problem: problem(task)}
	all, err := a.machines(ctx, space)
	if err != nil {
		return access.AccountCheck{}, failure(op, err)
	}
	for _, m := range all {
		if !slices.Contains(machines, m.ID) {
			continue
		}
		proven, err := a.proven(ctx, space, m, since)
		if err != nil {
			return access.AccountCheck{}, failure(op, err)
		}
		check.Machines = append(check.Machines, a.machine(ctx, m))
		if !proven {
			check.Unproven = append(check.Unproven, access.CleanText(m.Name))
		}
	}
	if check.Problem == "" && len(check.Machines) < len(machines) {
		check.Problem = "A machine is gone from Octopus Deploy."
	}
	check.Passed = check.Problem == "" && len(check.Unproven) == 0
	return check, nil
}

// problem returns why a health check that is over proves nothing; empty if it succeeded.
func problem(task octopus.Task) string {
	if task.FinishedSuccessfully {
		return ""
	}
	return strings.TrimSpace("The health check ended as " + access.CleanText(task.State) + ". " + access.CleanText(task.ErrorMessage))
}

// proven reports whether a machine was logged in to after a time.
func (a *Accounts) proven(ctx context.Context, space string, m octopus.Machine, since time.Time) (bool, error) {
	if m.IsDisabled || !healthy(m) || since.IsZero() {
		return false, nil
	}
	connection, err := a.Client.Connection(ctx, space, m)
	return connection.LastChecked.After(since), err
}

// ActiveTasks implements access.KeyedAccounts.
func (a *Accounts) ActiveTasks(ctx context.Context) ([]string, error) {
	space, err := a.space(ctx)
	if err != nil {
		return nil, err
	}
	tasks, err := a.Client.ActiveTasks(ctx, space)
	if err != nil {
		return nil, failure("read active tasks", err)
	}
	var titles []string
	for _, t := range tasks {
		titles = append(titles, strings.TrimSpace(access.CleanText(t.Name+": "+t.Description)))
	}
	return titles, nil
}
