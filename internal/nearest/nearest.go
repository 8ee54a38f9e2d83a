// Package nearest finds the word that somebody meant who mistyped it.
package nearest

import "math"

// Closest answers the candidate that differs least from a text, the first of several,
// and "" when all differ by more than they may.
func Closest(text string, candidates []string, may func(candidate string) int) string {
	best, least := "", math.MaxInt
	for _, c := range candidates {
		if d := Distance(text, c); d < least && d <= may(c) {
			best, least = c, d
		}
	}
	return best
}

// Distance counts the insertions, deletions and replacements of characters that
// turn a into b (Levenshtein's).
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
