// Package browser tests the page of the demo as people use it: the real program, in a real browser. It is
// a module of its own, so that the program does not depend on what drives the browser.
package browser
