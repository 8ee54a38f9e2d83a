package render

import (
	"fmt"
	"time"

	"sshkeybot/internal/access"
	"sshkeybot/internal/workflow"
)

// audited is an audit that has read all servers.
func (w world) audited() workflow.RequestView {
	v := w.request(access.KindAudit, access.Approved)
	v.Grant, v.Keys, v.Approvals, v.Request.Person, v.Request.Pattern, v.Request.DecidedBy = nil, nil, nil, "", "", ""
	v.Results = w.results(access.PhaseAudit, allDone)
	for i := range v.Results {
		v.Results[i].Fingerprint, v.Results[i].SystemUser = "", ""
	}
	v.Audit = &workflow.AuditView{Read: len(v.Servers)}
	return v
}

// found is a group of a key on every server.
func (w world) found(i int) workflow.FindingGroup {
	g := workflow.FindingGroup{Label: w.foreign(fmt.Sprintf("agency %d", i)), PublicKey: w.foreign("ssh-ed25519 AAAAC3Nza..."), Users: []string{"root", "runcloud"}, Oldest: noon().Add(-time.Hour), New: i%2 == 0, Digest: fmt.Sprintf("digest%d", i)}
	for _, ref := range w.refs() {
		g.Servers = append(g.Servers, ref)
		g.Findings = append(g.Findings, access.Finding{ServerID: ref.ID, FoundAt: noon(), Credential: access.Credential{ID: fmt.Sprint(ref.ID, i), Label: g.Label, PublicKey: g.PublicKey, SystemUser: "root", CreatedAt: g.Oldest}})
	}
	return g
}

func (w world) deleted() workflow.MissingGroup {
	g := workflow.MissingGroup{Grant: grant(), Key: access.Key{Fingerprint: fingerprint(1)}, Servers: w.refs(), Digest: "missing"}
	for range g.Servers {
		g.Placements = append(g.Placements, access.Placement{Label: w.foreign("sshkeybot"), CredentialID: "17", PlacedAt: noon()})
	}
	return g
}

func (w world) auditCases() map[string]any {
	reading := w.audited()
	reading.Results = w.results(access.PhaseAudit, unfinished)
	reading.Audit = &workflow.AuditView{Read: len(reading.Servers) - 1, Moving: 1}
	clean := w.audited()
	clean.Request.Asker = ""
	full := w.audited()
	full.Results[0].State, full.Results[0].Setback = access.Waiting, access.Setback{Problem: access.ProblemTrouble}
	full.Results = append(full.Results, w.results(access.PhaseRemove, allDone)...)
	full.Audit.Read--
	full.Audit.Missing = []workflow.MissingGroup{w.deleted()}
	for i := range 30 {
		full.Audit.Groups = append(full.Audit.Groups, w.found(i))
	}
	full.Audit.Groups[1].Asked = 14
	full.Audit.Kept, full.Audit.Unknown = 57, []int64{9, 11}
	return map[string]any{
		"audit-reading": Request(reading, noon()),
		"audit-clean":   Request(clean, noon()),
		"audit-full":    Request(full, noon()),
		"audit-page":    AuditPage(full, 1, Kept(3)),
		"audit-first":   AuditPage(full, 0, ""),
		"audit-empty":   AuditPage(clean, 4, EndedThere(2)),
		"audit-asked":   Asked(reading, alice, Post{Channel: "C0OPS"}),
		"audit-csv":     AuditCSV(full),
		"audit-file":    AuditFile(full),
	}
}
