package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"sshkeybot/internal/nearest"
)

// RunCloud is the access to one RunCloud account.
type RunCloud struct {
	Name              string // of the account among the targets
	Token             Secret
	APIURL            string // without a slash at the end
	TemporaryLifetime time.Duration
	MonthlyQuota      int // calls; 0: nobody is told
}

// soleAccount is the name of the account where there is one without a name of its own.
const soleAccount = "runcloud"

// accountName matches what an account may be called, if it is no longer than longestName. People write it before a
// slash and the name of a server, and the account's work is put into queues that are named after it.
var accountName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

const longestName = 32

func isAccountName(name string) bool {
	return len(name) <= longestName && accountName.MatchString(name)
}

// reservedAccounts are the names of other targets.
var reservedAccounts = []string{"scalingo"} //nolint:gochecknoglobals // a constant

// perAccount are the settings that an account may have of its own, with its name behind.
var perAccount = []string{"RUNCLOUD_API_TOKEN", "RUNCLOUD_API_URL", "RUNCLOUD_TEMPORARY_LIFETIME", "RUNCLOUD_MONTHLY_QUOTA"} //nolint:gochecknoglobals // a constant

// VariableOf returns the variable of a setting for one RunCloud account of several.
func VariableOf(setting, account string) string {
	return setting + "_" + strings.ToUpper(strings.ReplaceAll(account, "-", "_"))
}

// variablesOf returns all variables of one account.
func variablesOf(account string) []string {
	list := []string{VariableOf(perAccount[0], account) + "_FILE"}
	for _, setting := range perAccount {
		list = append(list, VariableOf(setting, account))
	}
	return list
}

// runClouds returns the RunCloud accounts, at least one.
func (r *reader) runClouds(env environment) []RunCloud {
	token, file := env.RunCloudAPIToken, env.RunCloudAPITokenFile
	switch {
	case env.RunCloudWorkspaces.text == "":
		return []RunCloud{r.runCloud(soleAccount, token, file, env.RunCloudAPIURL, env.RunCloudTemporaryLifetime, env.RunCloudMonthlyQuota)}
	case token.text != "" || file.text != "":
		r.problems.add(env.RunCloudWorkspaces.name, "and %s are both set; keep the one or the other: each account of several has a token of its own, such as %s",
			token.name, VariableOf(token.name, "agency"))
	}
	var all []RunCloud
	for _, name := range r.accountNames(env.RunCloudWorkspaces) {
		r.accountVariables = append(r.accountVariables, variablesOf(name)...)
		tokenOf := VariableOf(token.name, name)
		account := r.runCloud(name, r.variable(setting{name: tokenOf}), r.variable(setting{name: tokenOf + "_FILE"}),
			r.ofAccount(env.RunCloudAPIURL, name), r.ofAccount(env.RunCloudTemporaryLifetime, name), r.ofAccount(env.RunCloudMonthlyQuota, name))
		for _, other := range all {
			if secret := account.Token.Reveal(); secret != "" && secret == other.Token.Reveal() && account.APIURL == other.APIURL {
				r.problems.add(tokenOf, "is the same token as %s; each account has its own", VariableOf(token.name, other.Name))
			}
		}
		all = append(all, account)
	}
	return all
}

func (r *reader) runCloud(name string, token, file, address, lifetime, quota setting) RunCloud {
	return RunCloud{
		Name: name, Token: r.required(token, file, ""), APIURL: r.baseURL(address),
		TemporaryLifetime: r.duration(lifetime), MonthlyQuota: r.number(quota, 0, 1_000_000_000),
	}
}

// variable returns a setting that is no field of environment.
func (r *reader) variable(s setting) setting {
	if text := os.Getenv(s.name); strings.TrimSpace(text) != "" {
		s.text = r.withoutQuotes(setting{s.name, text})
	}
	return s
}

// ofAccount returns the setting as one account has it, and else as all have it.
func (r *reader) ofAccount(all setting, account string) setting {
	if own := r.variable(setting{name: VariableOf(all.name, account)}); own.text != "" {
		return own
	}
	return all
}

// accountNames returns the names that are listed and may be used.
func (r *reader) accountNames(s setting) (list []string) {
	wrong, taken := len(r.problems.List), names()
	for i, name := range strings.Split(s.text, ",") {
		name = strings.TrimSpace(name)
		clash := slices.IndexFunc(variablesOf(name), func(variable string) bool { return slices.Contains(taken, variable) })
		switch {
		case name == "":
			continue
		case !isAccountName(name):
			r.problems.add(s.name, "must list names of lower case letters and digits, with single hyphens between them, that begin with a letter, at most 32 characters each, between commas; item %d is not one", i+1)
		case slices.Contains(list, name):
			r.problems.add(s.name, "lists the same name twice; item %d is the second", i+1)
		case slices.Contains(reservedAccounts, name):
			r.problems.add(s.name, "must not use a name that is taken (%s); item %d is one", strings.Join(reservedAccounts, ", "), i+1)
		case clash >= 0:
			r.problems.add(s.name, "holds a name that would make %s mean two things; choose another one for item %d", variablesOf(name)[clash], i+1)
		default:
			list, taken = append(list, name), append(taken, variablesOf(name)...)
		}
	}
	if len(list) == 0 && len(r.problems.List) == wrong {
		r.problems.add(s.name, "must list at least one name")
	}
	return list
}

// accountOf returns the setting and the account that a variable of an account is for, as far as its name says.
func accountOf(variable string) (setting, account string, ok bool) {
	for _, setting := range perAccount {
		if account, ok := strings.CutPrefix(variable, setting+"_"); ok && account != "FILE" && account != "" {
			account = strings.TrimSuffix(account, "_FILE")
			return setting, strings.ToLower(strings.ReplaceAll(account, "_", "-")), true
		}
	}
	return "", "", false
}

// unlisted adds a problem for every variable that looks like one of a RunCloud account and is none: somebody
// forgot to list the account, or misspelt the variable.
func (r *reader) unlisted(name string) {
	known := slices.Concat(slices.DeleteFunc(names(), func(known string) bool { return !strings.HasPrefix(known, "RUNCLOUD_") }), r.accountVariables)
	if slices.Contains(known, name) || strings.TrimSpace(os.Getenv(name)) == "" {
		return
	}
	near := nearest.Closest(name, known, func(string) int { return 2 })
	setting, account, ok := accountOf(name)
	switch {
	case ok && isAccountName(account):
		hint := ""
		if near != "" {
			hint = "; did you mean " + near + "?"
		}
		r.problems.add(name, "is %s of an account that RUNCLOUD_WORKSPACES does not list: list %s there, or remove this%s", setting, account, hint)
	case ok:
		r.problems.add(name, "is %s of an account, and no account can have that name", setting)
	case near != "":
		r.problems.add(name, "is no setting; did you mean %s?", near)
	}
}
