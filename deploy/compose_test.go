package deploy_test

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func TestComposeWithSQLite(t *testing.T) {
	t.Parallel()
	project := compose(t, tokens, "compose.yaml")
	bot := project.Services["sshkeybot"]
	checkService(t, bot, tokens)
	if len(bot.Volumes) != 1 || bot.Volumes[0].Target != "/data" || bot.Volumes[0].Type != types.VolumeTypeVolume {
		t.Errorf("the ledger is on %+v", bot.Volumes)
	}
	if len(project.Services) != 1 || len(project.Volumes) != 1 {
		t.Errorf("there are %v and %v", project.ServiceNames(), project.VolumeNames())
	}
}

func TestComposeWithPostgres(t *testing.T) {
	t.Parallel()
	secrets := append([]string{"sshkeybot_database_url", "postgres_password"}, tokens...)
	project := compose(t, secrets, "compose.yaml", "compose.postgres.yaml")
	bot, postgres := project.Services["sshkeybot"], project.Services["postgres"]
	checkService(t, bot, append([]string{"sshkeybot_database_url"}, tokens...))
	if len(bot.Volumes) > 0 || !slices.Equal(project.VolumeNames(), []string{"postgres"}) {
		t.Errorf("the bot has the volumes %+v, and all are %v", bot.Volumes, project.VolumeNames())
	}
	if bot.DependsOn["postgres"].Condition != types.ServiceConditionHealthy || postgres.HealthCheck == nil {
		t.Errorf("the bot waits for %+v", bot.DependsOn)
	}
	if got := postgres.Environment["POSTGRES_PASSWORD_FILE"]; got == nil || *got != "/run/secrets/postgres_password" || len(postgres.Secrets) != 1 {
		t.Errorf("the password is at %v, and the secrets are %+v", got, postgres.Secrets)
	}
	checkSmall(t, postgres)
}

// compose loads the files as Compose does, which checks them by the schema of Compose.
func compose(t *testing.T, secrets []string, files ...string) *types.Project {
	t.Helper()
	paths := []string{"sshkeybot.env"}
	for _, name := range secrets {
		paths = append(paths, filepath.Join("secrets", name))
	}
	options, err := cli.NewProjectOptions(files, cli.WithWorkingDirectory(filled(t, ".", paths...)), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func checkService(t *testing.T, bot types.ServiceConfig, secrets []string) {
	t.Helper()
	checkSmall(t, bot)
	if !bot.ReadOnly || !slices.Equal(bot.CapDrop, []string{"ALL"}) || len(bot.Ports) > 0 {
		t.Errorf("its root is read-only: %t, it drops %v, and publishes %+v", bot.ReadOnly, bot.CapDrop, bot.Ports)
	}
	if bot.HealthCheck != nil || bot.PullPolicy != types.PullPolicyNever || bot.Build == nil {
		t.Errorf("the health check of the image is replaced by %+v, and the image is pulled: %q", bot.HealthCheck, bot.PullPolicy)
	}
	env, mounted := map[string]string{}, map[string]string{}
	for name, value := range bot.Environment {
		env[name] = *value
	}
	for _, secret := range bot.Secrets {
		mounted[secret.Source] = "/run/secrets/" + secret.Source
	}
	checkFiles(t, env, mounted)
	if got := slices.Sorted(maps.Keys(mounted)); !slices.Equal(got, slices.Sorted(slices.Values(secrets))) {
		t.Errorf("its secrets are %q", got)
	}
	if env["SSHKEYBOT_HTTP_ADDR"] != address || env["SSHKEYBOT_APPROVERS"] != "U0ALICE" {
		t.Errorf("its settings are %q", env)
	}
}

// checkSmall checks what holds for every service: it gains no rights, ends in time, comes back, and fills no disk.
func checkSmall(t *testing.T, s types.ServiceConfig) {
	t.Helper()
	if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Restart != types.RestartPolicyUnlessStopped {
		t.Errorf("%s has the options %q, and restarts %q", s.Name, s.SecurityOpt, s.Restart)
	}
	if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) <= stops*time.Second {
		t.Errorf("%s has %v to end", s.Name, s.StopGracePeriod)
	}
	if s.Logging == nil || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
		t.Errorf("%s keeps all its logs: %+v", s.Name, s.Logging)
	}
}
