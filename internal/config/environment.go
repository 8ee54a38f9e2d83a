package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// setting is the text of one variable. Decoding never fails, because envconfig stops at the first failure
// and prints the value; the reader checks the texts afterwards.
type setting struct{ name, text string }

func (s *setting) Decode(text string) error {
	s.text = text
	return nil
}

// environment has a field for every variable. A default also stands in for an empty value, except where the tag
// empty:"off" gives the empty value a meaning.
type environment struct {
	SlackBotToken             setting `envconfig:"SLACK_BOT_TOKEN"`
	SlackBotTokenFile         setting `envconfig:"SLACK_BOT_TOKEN_FILE"`
	SlackAppToken             setting `envconfig:"SLACK_APP_TOKEN"`
	SlackAppTokenFile         setting `envconfig:"SLACK_APP_TOKEN_FILE"`
	SlackAPIURL               setting `envconfig:"SLACK_API_URL" default:"https://slack.com/api/"`
	RunCloudAPIToken          setting `envconfig:"RUNCLOUD_API_TOKEN"`
	RunCloudAPITokenFile      setting `envconfig:"RUNCLOUD_API_TOKEN_FILE"`
	RunCloudWorkspaces        setting `envconfig:"RUNCLOUD_WORKSPACES"`
	RunCloudAPIURL            setting `envconfig:"RUNCLOUD_API_URL" default:"https://manage.runcloud.io/api/v3"`
	RunCloudTemporaryLifetime setting `envconfig:"RUNCLOUD_TEMPORARY_LIFETIME" default:"12h"`
	RunCloudMonthlyQuota      setting `envconfig:"RUNCLOUD_MONTHLY_QUOTA" default:"400000"`

	Approvers           setting `envconfig:"SSHKEYBOT_APPROVERS"`
	ApproversQuiet      setting `envconfig:"SSHKEYBOT_APPROVERS_QUIET"`
	ApprovalChannel     setting `envconfig:"SSHKEYBOT_APPROVAL_CHANNEL"`
	AnnounceChannel     setting `envconfig:"SSHKEYBOT_ANNOUNCE_CHANNEL"`
	Approvals           setting `envconfig:"SSHKEYBOT_APPROVALS" default:"1"`
	SelfApproval        setting `envconfig:"SSHKEYBOT_SELF_APPROVAL" default:"false"`
	RequestTTL          setting `envconfig:"SSHKEYBOT_REQUEST_TTL" default:"8h"`
	MinDuration         setting `envconfig:"SSHKEYBOT_MIN_DURATION" default:"5m"`
	MaxDuration         setting `envconfig:"SSHKEYBOT_MAX_DURATION" default:"30d"`
	AllowForever        setting `envconfig:"SSHKEYBOT_ALLOW_FOREVER" default:"false"`
	LongGrants          setting `envconfig:"SSHKEYBOT_LONG_GRANTS" default:"renew"`
	SystemUser          setting `envconfig:"SSHKEYBOT_SYSTEM_USER" default:"runcloud"`
	SystemUsers         setting `envconfig:"SSHKEYBOT_SYSTEM_USERS"`
	Reason              setting `envconfig:"SSHKEYBOT_REASON" default:"optional"`
	TicketURL           setting `envconfig:"SSHKEYBOT_TICKET_URL"`
	KeyProof            setting `envconfig:"SSHKEYBOT_KEY_PROOF" default:"contested"`
	OffboardDeactivated setting `envconfig:"SSHKEYBOT_OFFBOARD_DEACTIVATED" default:"run"`
	DailySummary        setting `envconfig:"SSHKEYBOT_DAILY_SUMMARY" default:"09:00" empty:"off"`
	Audit               setting `envconfig:"SSHKEYBOT_AUDIT" default:"mon-09:30" empty:"off"`
	Keep                setting `envconfig:"SSHKEYBOT_KEEP" default:"400d"`
	DatabaseURL         setting `envconfig:"SSHKEYBOT_DATABASE_URL"`
	DatabaseURLFile     setting `envconfig:"SSHKEYBOT_DATABASE_URL_FILE"`
	Concurrency         setting `envconfig:"SSHKEYBOT_CONCURRENCY" default:"16"`
	HTTPAddr            setting `envconfig:"SSHKEYBOT_HTTP_ADDR" default:"127.0.0.1:9464" empty:"off"`
	LogLevel            setting `envconfig:"SSHKEYBOT_LOG_LEVEL" default:"info"`
	LogFormat           setting `envconfig:"SSHKEYBOT_LOG_FORMAT" default:"json"`

	ScalingoAPIToken     setting `envconfig:"SCALINGO_API_TOKEN"`
	ScalingoAPITokenFile setting `envconfig:"SCALINGO_API_TOKEN_FILE"`
	ScalingoAuthURL      setting `envconfig:"SCALINGO_AUTH_URL" default:"https://auth.scalingo.com"`
	ScalingoGrants       setting `envconfig:"SCALINGO_GRANTS" default:"false"`
	OctopusURL           setting `envconfig:"OCTOPUS_URL"`
	OctopusAPIKey        setting `envconfig:"OCTOPUS_API_KEY"`
	OctopusAPIKeyFile    setting `envconfig:"OCTOPUS_API_KEY_FILE"`
	OctopusSpace         setting `envconfig:"OCTOPUS_SPACE"`
}

func readEnvironment() (environment, error) {
	var env environment
	if err := envconfig.Process("", &env); err != nil {
		return env, fmt.Errorf("read the environment: %w", err)
	}
	fields := reflect.ValueOf(&env).Elem()
	for i := range fields.NumField() {
		tag := fields.Type().Field(i).Tag
		s := fields.Field(i).Addr().Interface().(*setting)
		s.name = tag.Get("envconfig")
		if strings.TrimSpace(s.text) != "" {
			continue
		}
		s.text = ""
		if tag.Get("empty") != "off" {
			s.text = tag.Get("default")
		}
	}
	return env, nil
}

// unquote reports the values that are in quotes: a shell takes them off, and an env file
// of Docker or systemd need not. The values are checked without them.
func (r *reader) unquote(env *environment) {
	fields := reflect.ValueOf(env).Elem()
	for i := range fields.NumField() {
		s := fields.Field(i).Addr().Interface().(*setting)
		s.text = r.withoutQuotes(*s)
	}
}

func (r *reader) withoutQuotes(s setting) string {
	text := strings.TrimSpace(s.text)
	for _, quotes := range []string{`""`, "''", "``", "“”", "‘’"} {
		open, end := string([]rune(quotes)[:1]), string([]rune(quotes)[1:])
		if inner, ok := strings.CutPrefix(text, open); ok && strings.HasSuffix(inner, end) {
			r.problems.add(s.name, "holds quotes, which whatever sets it has not taken off: write the value without them")
			return strings.TrimSuffix(inner, end)
		}
	}
	return s.text
}

// names returns every variable, in the order of the documentation.
func names() []string {
	var list []string
	for field := range reflect.TypeFor[environment]().Fields() {
		list = append(list, field.Tag.Get("envconfig"))
	}
	return list
}
