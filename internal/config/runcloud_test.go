package config

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// several are the settings of two RunCloud accounts, and more.
func several(more map[string]string) map[string]string {
	all := map[string]string{
		"RUNCLOUD_API_TOKEN": "", "RUNCLOUD_WORKSPACES": "agency,big-client",
		"RUNCLOUD_API_TOKEN_AGENCY": "leak-4", "RUNCLOUD_API_TOKEN_BIG_CLIENT": "leak-5",
	}
	maps.Copy(all, more)
	return all
}

func TestSeveralRunCloudAccounts(t *testing.T) {
	c, problems := load(t, several(map[string]string{
		"RUNCLOUD_WORKSPACES": " agency , runcloud,big-client, ", "RUNCLOUD_API_TOKEN_RUNCLOUD": "leak-6",
		"RUNCLOUD_API_TOKEN_BIG_CLIENT": "", "RUNCLOUD_API_TOKEN_BIG_CLIENT_FILE": writeFile(t, "leak-7\n"),
		"RUNCLOUD_MONTHLY_QUOTA": "5", "RUNCLOUD_TEMPORARY_LIFETIME_AGENCY": "6h", "RUNCLOUD_MONTHLY_QUOTA_BIG_CLIENT": "7", "RUNCLOUD_API_URL_BIG_CLIENT": "http://127.0.0.1:1/v3/",
	}))
	const address = "https://manage.runcloud.io/api/v3"
	want := []RunCloud{
		{"agency", NewSecret("leak-4"), address, 6 * time.Hour, 5},
		{"runcloud", NewSecret("leak-6"), address, 12 * time.Hour, 5},
		{"big-client", NewSecret("leak-7"), "http://127.0.0.1:1/v3", 12 * time.Hour, 7},
	}
	if diff := cmp.Diff(want, c.RunClouds, revealed); diff != "" || problems != nil {
		t.Error(problems, diff)
	}
}

func TestSeveralRunCloudAccountsRefused(t *testing.T) {
	for name, row := range map[string]struct {
		more map[string]string
		want string
	}{
		"a token without a name": {map[string]string{"RUNCLOUD_API_TOKEN": "leak"}, "RUNCLOUD_WORKSPACES and RUNCLOUD_API_TOKEN are both set"},
		"its file":               {map[string]string{"RUNCLOUD_API_TOKEN_FILE": "/leak"}, "RUNCLOUD_WORKSPACES and RUNCLOUD_API_TOKEN are both set"},
		"no token":               {map[string]string{"RUNCLOUD_API_TOKEN_AGENCY": ""}, "RUNCLOUD_API_TOKEN_AGENCY is missing; set it, or RUNCLOUD_API_TOKEN_AGENCY_FILE"},
		"token and file":         {map[string]string{"RUNCLOUD_API_TOKEN_AGENCY_FILE": "/leak"}, "RUNCLOUD_API_TOKEN_AGENCY and RUNCLOUD_API_TOKEN_AGENCY_FILE are both set"},
		"a token in quotes":      {map[string]string{"RUNCLOUD_API_TOKEN_AGENCY": "'leak'"}, "RUNCLOUD_API_TOKEN_AGENCY holds quotes"},
		"one token twice":        {map[string]string{"RUNCLOUD_API_TOKEN_AGENCY": "leak-5"}, "RUNCLOUD_API_TOKEN_BIG_CLIENT is the same token as RUNCLOUD_API_TOKEN_AGENCY"},
		"a name twice":           {map[string]string{"RUNCLOUD_WORKSPACES": "agency,big-client,agency"}, "the same name twice; item 3"},
		"upper case":             {map[string]string{"RUNCLOUD_WORKSPACES": "agency,big-client,Leak"}, "lower case letters and digits"},
		"begins with a digit":    {map[string]string{"RUNCLOUD_WORKSPACES": "agency,big-client,1leak"}, "begin with a letter"},
		"underscore":             {map[string]string{"RUNCLOUD_WORKSPACES": "agency,big-client,le_ak"}, "item 3 is not one"},
		"too long":               {map[string]string{"RUNCLOUD_WORKSPACES": "agency,big-client," + strings.Repeat("leak", 9)}, "at most 32"},
		"another target":         {map[string]string{"RUNCLOUD_WORKSPACES": "agency,big-client,scalingo"}, "taken (scalingo); item 3"},
		"file":                   {map[string]string{"RUNCLOUD_WORKSPACES": "agency,file,big-client"}, "would make RUNCLOUD_API_TOKEN_FILE mean two things; choose another one for item 2"},
		"the file of another":    {map[string]string{"RUNCLOUD_WORKSPACES": "agency,agency-file,big-client"}, "would make RUNCLOUD_API_TOKEN_AGENCY_FILE mean two things"},
		"no name at all":         {map[string]string{"RUNCLOUD_WORKSPACES": " , ", "RUNCLOUD_API_TOKEN_AGENCY": "", "RUNCLOUD_API_TOKEN_BIG_CLIENT": ""}, "at least one name"},
		"not listed":             {map[string]string{"RUNCLOUD_API_TOKEN_OTHER": "leak"}, "RUNCLOUD_API_TOKEN_OTHER is RUNCLOUD_API_TOKEN of an account that RUNCLOUD_WORKSPACES does not list: list other there, or remove this"},
		"a slip in a name":       {map[string]string{"RUNCLOUD_MONTHLY_QUOTA_AGENCI": "1"}, "did you mean RUNCLOUD_MONTHLY_QUOTA_AGENCY?"},
		"a slip in a setting":    {map[string]string{"RUNCLOUD_MONTLY_QUOTA_AGENCY": "1"}, "RUNCLOUD_MONTLY_QUOTA_AGENCY is no setting; did you mean RUNCLOUD_MONTHLY_QUOTA_AGENCY?"},
		"no name can be that":    {map[string]string{"RUNCLOUD_API_URL_1": "x"}, "no account can have that name"},
		"a wrong default":        {map[string]string{"RUNCLOUD_TEMPORARY_LIFETIME": "leak"}, "RUNCLOUD_TEMPORARY_LIFETIME must be a duration"},
		"a wrong one of its own": {map[string]string{"RUNCLOUD_MONTHLY_QUOTA_AGENCY": "leak"}, "RUNCLOUD_MONTHLY_QUOTA_AGENCY must be a whole number"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := load(t, several(row.more))
			if len(problems) != 1 || !strings.Contains(problems[0], row.want) || strings.Contains(problems[0], "leak") {
				t.Errorf("got %q, want one with %q", problems, row.want)
			}
		})
	}
}

// A token of an account is refused where no account is listed; what other programs are set by is left alone.
func TestVariablesOfAccountsAreKnown(t *testing.T) {
	_, problems := load(t, map[string]string{"RUNCLOUD_API_TOKEN_CLIENT": "leak", "RUNCLOUD_WORKSPACE": "x", "RUNCLOUD_API_KEY": "x", "RUNCLOUD_PORT": "tcp://10.0.0.1:80"})
	if len(problems) != 2 || !strings.Contains(problems[0], "does not list: list client there") || !strings.Contains(problems[1], "did you mean RUNCLOUD_WORKSPACES?") {
		t.Errorf("got %q", problems)
	}
	t.Setenv("RUNCLOUD_WORKSPACE", "")
	if _, err := LoadFor("SSHKEYBOT_DATABASE_URL"); err != nil {
		t.Errorf("a command that needs no account: %v", err)
	}
}
