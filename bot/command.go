package bot

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/duration"
	"sshkeybot/internal/sshkey"
)

// command is what somebody typed after /sshkey, parsed.
type command struct {
	Verb        string
	Person      access.UserID
	Duration    time.Duration
	Forever     bool
	Servers     string
	SystemUser  string
	Account     string // whose key is rotated
	Reason      string
	Fingerprint string
	Key         *sshkey.Key
	Request     int64
	Incomplete  bool // a form asks for the rest
}

// me is the word that stands for who types it.
const me access.UserID = "me"

// parseFor parses a command as the person means it who typed it.
func parseFor(in interaction) (command, error) {
	c, err := parseCommand(in.Text)
	if c.Person == me {
		c.Person = in.Person
	}
	return c, err
}

// parseCommand parses the text of a command. Errors are *access.Error with the
// right form in the sentence, or a *sshkey.Error about a key.
func parseCommand(text string) (command, error) {
	name, rest := cutWord(text)
	name = cmp.Or(strings.ToLower(name), helpName)
	v := verbNamed(name)
	if v.read == nil {
		return command{}, unknownVerb(name)
	}
	c := command{Verb: name}
	if err := v.read(&c, rest); err != nil {
		return command{}, v.withForm(err)
	}
	return c, nil
}

// verb returns the row of the command's verb.
func (c command) verb() verb { return verbNamed(c.Verb) }

// refuse returns a refusal; no part of it may be a person's text.
func refuse(format string, parts ...any) error {
	return &access.Error{Code: access.Invalid, Op: "command", Message: fmt.Sprintf(format, parts...)}
}

// readAnything lets people ask for help in their own words.
func readAnything(*command, string) error { return nil }

func readNothing(_ *command, rest string) error {
	if rest != "" {
		return refuse("Nothing is expected after that word.")
	}
	return nil
}

// readRegister takes everything as the key: a note may hold any word.
func readRegister(c *command, rest string) error {
	if rest == "" {
		c.Incomplete = true
		return nil
	}
	key, err := sshkey.Parse(rest)
	c.Key = &key
	return err
}

func readPerson(c *command, rest string) error {
	words, reason := splitWords(rest)
	if reason != "" || len(words) > 1 {
		return refuse("Only one person can be named here.")
	}
	if len(words) == 0 {
		return nil
	}
	return c.setPerson(words[0])
}

// unknownWord returns the refusal of a word. Who typed it sees it; the log does not, for it could be a secret.
func unknownWord(w word) error {
	return &access.Error{Code: access.Invalid, Op: "command", Message: "I do not understand `…`. Put names with blanks in double quotes.", Word: w.Text}
}

// notADuration returns the refusal of a word where a duration is missing, as unknownWord does.
func notADuration(w word) error {
	return &access.Error{Code: access.Invalid, Op: "command", Message: "`…` is not a duration; try `2h`.", Word: w.Text}
}

// setPerson reads a word as the person.
func (c *command) setPerson(w word) error {
	id := mention(w.Text)
	if isMe(w) {
		id = me
	}
	switch {
	case id != "" && c.Person != "":
		return refuse("Only one person can be named at a time.")
	case id != "":
		c.Person = id
		return nil
	case strings.HasPrefix(w.Text, "!"):
		return refuse("That is a group. Only one person can be named at a time.")
	case strings.HasPrefix(w.Text, "@"):
		return refuse("I cannot tell who that is: type @ and pick the person from the list that Slack shows. A plain @name could be anybody.")
	}
	return unknownWord(w)
}

func isMe(w word) bool { return !w.Quoted && strings.EqualFold(w.Text, string(me)) }

// isPerson reports whether a word is about people, whether or not one can be named so.
func isPerson(w word) bool {
	return isMe(w) || mention(w.Text) != "" || strings.HasPrefix(w.Text, "@") || strings.HasPrefix(w.Text, "!")
}

func readGrant(c *command, rest string) error {
	words, err := c.readClauses(rest, "on", "as")
	if err != nil {
		return err
	}
	if err := c.personAndDuration(words); err != nil {
		return err
	}
	c.Incomplete = c.Person == "" || c.Duration == 0 && !c.Forever
	return nil
}

func readExtend(c *command, rest string) error {
	words, reason := splitWords(rest)
	if err := c.personAndDuration(words); err != nil {
		return err
	}
	if reason != "" || c.Forever || c.Person == "" || c.Duration == 0 {
		return refuse("A person and a duration are needed.")
	}
	return nil
}

func (c *command) personAndDuration(words []word) error {
	for len(words) > 0 {
		var err error
		switch {
		case startsLikeDuration(words[0]):
			words, err = c.readDuration(words)
		case c.Person != "" && c.Duration == 0 && !c.Forever && !isPerson(words[0]):
			err = notADuration(words[0])
		default:
			words, err = words[1:], c.setPerson(words[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readDuration reads the duration that words begin with, which may be several: 1 day 12 hours.
func (c *command) readDuration(words []word) (rest []word, err error) {
	text, rest := words[0].Text, words[1:]
	switch {
	case c.Forever || c.Duration != 0:
		return nil, refuse(onlyOneDuration)
	case strings.EqualFold(text, "forever"):
		c.Forever = true
		return rest, nil
	}
	for len(rest) > 0 && !rest[0].Quoted && duration.Continues(rest[0].Text) {
		text, rest = text+" "+rest[0].Text, rest[1:]
	}
	c.Duration, err = duration.Parse(text)
	switch {
	case errors.Is(err, duration.ErrOrder) && strings.Contains(text, " "):
		return nil, refuse(onlyOneDuration)
	case err != nil:
		return nil, refuse("%s", asSentence(err))
	}
	return rest, nil
}

const onlyOneDuration = "Only one duration can be given."

func startsLikeDuration(w word) bool {
	return strings.EqualFold(w.Text, "forever") || w.Text != "" && strings.ContainsRune("0123456789-+.", rune(w.Text[0]))
}

// readClauses reads «on SERVERS», «as USER» and «for REASON», as far as allowed, and
// returns the words before them.
func (c *command) readClauses(rest string, allowed ...string) (front []word, err error) {
	words, reason := splitWords(rest)
	c.Reason = reason
	for len(words) > 0 && !isKeyword(words[0], allowed) {
		front, words = append(front, words[0]), words[1:]
	}
	for len(words) > 0 {
		keyword := strings.ToLower(words[0].Text)
		if !isKeyword(words[0], allowed) {
			return nil, unknownWord(words[0])
		}
		var value string
		if value, words = listValue(words[1:], allowed); value == "" {
			return nil, refuse("Something must follow `%s`.", keyword)
		}
		if err := c.setClause(keyword, value); err != nil {
			return nil, err
		}
	}
	return front, nil
}

func isKeyword(w word, allowed []string) bool {
	return !w.Quoted && slices.Contains(allowed, strings.ToLower(w.Text))
}

// listValue reads one word, and more of them as long as a comma says so.
func listValue(words []word, allowed []string) (value string, rest []word) {
	for len(words) > 0 && !isKeyword(words[0], allowed) &&
		(value == "" || strings.HasSuffix(value, ",") || strings.HasPrefix(words[0].Text, ",")) {
		value, words = value+words[0].Text, words[1:]
	}
	return value, words
}

func (c *command) setClause(keyword, value string) error {
	field := &c.Servers
	if keyword == "as" {
		field = &c.SystemUser
	}
	if *field != "" {
		return refuse("`%s` can be given only once.", keyword)
	}
	*field = value
	return nil
}

func readOffboard(c *command, rest string) error {
	words, reason := splitWords(rest)
	c.Reason = reason
	if len(words) != 1 {
		return refuse("Exactly one person is needed.")
	}
	return c.setPerson(words[0])
}

// readPurge reads a system user, and the servers.
func readPurge(c *command, rest string) error {
	words, err := c.readClauses(rest, "on")
	switch {
	case err != nil:
		return err
	case len(words) != 1 || c.Reason != "":
		return refuse("Exactly one system user is needed, and no reason.")
	}
	c.SystemUser = words[0].Text
	return nil
}

// readRotate reads the name of an account, which may have blanks, and for whom and where it is made.
func readRotate(c *command, rest string) error {
	words, err := c.readClauses(rest, "on", "as")
	switch {
	case err != nil:
		return err
	case len(words) == 0 || c.Reason != "":
		return refuse("An account is needed, and no reason.")
	}
	c.Account = joined(words)
	return nil
}

func readServers(c *command, rest string) error {
	words, reason := splitWords(rest)
	value, left := listValue(words, nil)
	if reason != "" || len(left) > 0 {
		return unknownWord(append(left, word{Text: "for"})[0])
	}
	c.Servers = value
	return nil
}

// readLog reads a person, or the number of a request.
func readLog(c *command, rest string) error {
	words, reason := splitWords(rest)
	if reason != "" || len(words) > 1 {
		return refuse("Only one person or one request can be named here.")
	}
	if len(words) == 0 {
		return nil
	}
	if about, ok := access.ParseSubject(words[0].Text); ok && about.Request() != 0 {
		c.Request = about.Request()
		return nil
	}
	if !isPerson(words[0]) {
		return refuse("Only a person, picked from Slack's list, or the number of a request can be named here.")
	}
	return c.setPerson(words[0])
}

// readRevoke reads a person, a fingerprint, or a public key with its comment.
func readRevoke(c *command, rest string) error {
	words, err := c.readClauses(sshkey.Unlist(rest), "on")
	switch {
	case err != nil:
		return err
	case len(words) == 0:
		return refuse("A person, a fingerprint or a public key is needed.")
	case len(words) == 1 && isPerson(words[0]):
		return c.setPerson(words[0])
	}
	if c.Fingerprint, err = sshkey.ReadFingerprint(joined(words)); err != nil || c.Fingerprint != "" {
		return err
	}
	key, err := sshkey.Parse(joined(words))
	c.Key = &key
	return err
}

func joined(words []word) string {
	var texts []string
	for _, w := range words {
		texts = append(texts, w.Text)
	}
	return strings.Join(texts, " ")
}
