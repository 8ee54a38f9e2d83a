package workflow

import (
	"cmp"
	"slices"
)

// Mark is the place of an entry in a list that is read page by page: the part of the list, and the entry's
// number there. It stays the same while other entries come and go.
type Mark struct {
	Part int
	ID   int64
}

// PageQuery selects a page of a list: what comes after a mark, or right before one; with neither, the first
// page. It is that too where less comes before the mark than a page holds, and the last one where nothing
// comes after it.
type PageQuery struct{ After, Before Mark }

// Page says which entries of a list a page has, counted from 1.
type Page struct {
	First, Last int // 0 if there are none
	Parts       []int
	From, To    Mark // of the first and the last of them
}

// Total returns how many entries the list has.
func (p Page) Total() (n int) {
	for _, part := range p.Parts {
		n += part
	}
	return n
}

// part reads a part of a list, whose entries are in the order of their numbers.
type part struct {
	count func(before int64) (int, error) // those with a lower number; 0 counts all
	read  func(s span) ([]entry, error)
}

// span selects entries as an [access.EventQuery] does.
type span struct {
	After, Before int64
	Newest        bool
	Limit         int
}

// entry is one of a list: its number, and what adds it to a page.
type entry struct {
	number int64
	show   func() error
}

// placed is an entry with the part that it is in.
type placed struct {
	entry
	part int
}

// readPage shows the entries of a page, and returns which they are.
func readPage(parts []part, q PageQuery, size int) (Page, error) {
	var found []placed
	var err error
	if q.Before != (Mark{}) {
		found, err = entriesBefore(parts, q.Before, size)
	}
	if err == nil && len(found) < size {
		found, err = entriesAfter(parts, q.After, size)
	}
	if err == nil && len(found) == 0 {
		found, err = entriesBefore(parts, Mark{Part: len(parts)}, size)
	}
	for i := 0; i < len(found) && err == nil; i++ {
		err = found[i].show()
	}
	if err != nil {
		return Page{}, err
	}
	return locate(parts, found)
}

func entriesAfter(parts []part, at Mark, size int) (found []placed, err error) {
	for i := at.Part; i < len(parts) && len(found) < size && err == nil; i++ {
		s := span{Limit: size - len(found)}
		if i == at.Part {
			s.After = at.ID
		}
		found, err = readPart(parts, i, s, found)
	}
	return found, err
}

func entriesBefore(parts []part, at Mark, size int) (found []placed, err error) {
	for i := min(at.Part, len(parts)-1); i >= 0 && len(found) < size && err == nil; i-- {
		s := span{Newest: true, Limit: size - len(found)}
		if i == at.Part {
			s.Before = at.ID
		}
		found, err = readPart(parts, i, s, found)
	}
	slices.Reverse(found)
	return found, err
}

func readPart(parts []part, i int, s span, found []placed) ([]placed, error) {
	some, err := parts[i].read(s)
	for _, e := range some {
		found = append(found, placed{e, i})
	}
	return found, err
}

// locate returns where in the list entries are.
func locate(parts []part, found []placed) (p Page, err error) {
	p.Parts = make([]int, len(parts))
	for i, part := range parts {
		if p.Parts[i], err = part.count(0); err != nil {
			return p, err
		}
	}
	if len(found) == 0 {
		return p, nil
	}
	first, last := found[0], found[len(found)-1]
	p.From, p.To = Mark{first.part, first.number}, Mark{last.part, last.number}
	before, err := parts[first.part].count(first.number)
	for _, n := range p.Parts[:first.part] {
		before += n
	}
	p.First, p.Last = before+1, before+len(found)
	return p, err
}

// stored is a part whose entries are read from the ledger.
func stored[T any](count func(span) (int, error), read func(span) ([]T, error), entryOf func(T) entry) part {
	return part{
		count: func(before int64) (int, error) { return count(span{Before: before}) },
		read: func(s span) ([]entry, error) {
			found, err := read(s)
			all := make([]entry, len(found))
			for i, one := range found {
				all[i] = entryOf(one)
			}
			return all, err
		},
	}
}

// inMemory is a part whose entries are all known, in the order of their numbers.
func inMemory(all []entry) part {
	under := func(number int64) int {
		n, _ := slices.BinarySearchFunc(all, number, func(e entry, number int64) int { return cmp.Compare(e.number, number) })
		return n
	}
	return part{
		count: func(before int64) (int, error) {
			if before == 0 {
				return len(all), nil
			}
			return under(before), nil
		},
		read: func(s span) ([]entry, error) {
			from, to := under(s.After+1), len(all)
			if s.Before != 0 {
				to = under(s.Before)
			}
			if !s.Newest {
				return all[from:min(to, from+s.Limit)], nil
			}
			some := slices.Clone(all[max(0, to-s.Limit):to])
			slices.Reverse(some)
			return some, nil
		},
	}
}
