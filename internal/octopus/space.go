package octopus

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
)

// Space is a part of a server with accounts, machines and tasks of its own.
type Space struct {
	ID   string `json:"Id"`
	Name string
}

// Space returns the space with that id, or else the one with that name, compared whole and as it is written. If
// none or several have it, the error is a [*LookupError].
func (c *Client) Space(ctx context.Context, nameOrID string) (Space, error) {
	if isID(nameOrID) {
		space, err := c.spaceByID(ctx, nameOrID)
		if !isNoID(err) {
			return space, err
		}
	}
	query := url.Values{"partialName": {nameOrID}}
	spaces, err := all(ctx, c, path{"spaces"}, query, func(s Space) string { return s.ID })
	if err != nil {
		return Space{}, err
	}
	return one("space", nameOrID, having(spaces, nameOrID, func(s Space) string { return s.Name }))
}

func (c *Client) spaceByID(ctx context.Context, id string) (Space, error) {
	var space Space
	p := path{"spaces", id}
	if err := c.get(ctx, p, nil, &space); err != nil {
		return Space{}, err
	}
	if space.ID != id {
		return Space{}, unexpected(http.MethodGet, p, "the answer has another id")
	}
	return space, nil
}

var idForm = regexp.MustCompile(`^[A-Za-z]+-[A-Za-z0-9-]+$`)

// isID reports whether a text can be an id, such as Spaces-1; names can look like that, too.
func isID(text string) bool { return idForm.MatchString(text) }

// isNoID reports whether Octopus knows nothing with an id, or does not take the text for one.
func isNoID(err error) bool { return IsNotFound(err) || IsInvalid(err) }

// having returns those whose name is the given one.
func having[T any](things []T, name string, of func(T) string) []T {
	var found []T
	for _, thing := range things {
		if of(thing) == name {
			found = append(found, thing)
		}
	}
	return found
}
