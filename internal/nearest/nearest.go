// Package nearest finds the word that somebody meant who mistyped it.
package nearest

import "math"

// Closest returns the candidate that differs least from a text, the first of several,
// or "" if each differs by more than may allows for it.
func Closest(text string, candidates []string, may func(candidate string) int) string {
	best, least := "", math.MaxInt
	for _, c := range candidates {
		if d := Distance(text, c); d < least && d <= may(c) {
			best, least = c, d
		}
	}
	return best
}

// Distance returns the least number of insertions, deletions and replacements of
// characters that turn a into b (Levenshtein's).
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			replaced := diagonal
			if x[i] != y[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(y)]
}
