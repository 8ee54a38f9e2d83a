package runcloud

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSystemUsers(t *testing.T) {
	t.Parallel()
	body := `{"data":[
		{"id":16,"username":"runcloud","deploymentKey":null,"deleteable":false,"created_at":"2026-01-09 06:41:52"},
		{"id":"17","username":"shop","deploymentKey":"ssh-rsa SECRETISH","deleteable":true}],
		"meta":{"pagination":{"total":2,"total_pages":1,"links":{}}}}`
	got, err := answering(t, "GET /servers/3/users", body).SystemUsers(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	want := []SystemUser{
		{ID: 16, Username: "runcloud", CreatedAt: time.Date(2026, 1, 9, 6, 41, 52, 0, time.UTC)},
		{ID: 17, Username: "shop", Deletable: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(fmt.Sprintf("%+v", got), "SECRETISH") {
		t.Error("the deployment key was kept")
	}
}

func TestSystemUsersShort(t *testing.T) {
	t.Parallel()
	body := `{"data":[{"id":1,"username":"root"}],"meta":{"pagination":{"total":2,"total_pages":1}}}`
	if got, err := answering(t, "GET /servers/3/users", body).SystemUsers(t.Context(), 3); err == nil || got != nil {
		t.Errorf("%v, err %v", got, err)
	}
}
