package deploy_test

import (
	"maps"
	"path"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const nonroot = 65532 // the user of the image

// cluster is what a kustomization makes.
type cluster struct {
	Namespace             core.Namespace
	ConfigMap             core.ConfigMap
	Secret                core.Secret
	PersistentVolumeClaim core.PersistentVolumeClaim
	Deployment            apps.Deployment
	NetworkPolicy         networking.NetworkPolicy
	PodDisruptionBudget   policy.PodDisruptionBudget

	kinds []string
}

func TestKubernetesWithSQLite(t *testing.T) {
	t.Parallel()
	c := kustomize(t, "base")
	if diff := cmp.Diff([]string{"ConfigMap", "Deployment", "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "Secret"}, c.kinds); diff != "" {
		t.Error(diff)
	}
	c.check(t, tokens, 53, 443)
	if spec := c.Deployment.Spec; *spec.Replicas != 1 || spec.Strategy.Type != apps.RecreateDeploymentStrategyType {
		t.Errorf("%d replicas, %s: two would use one file", *spec.Replicas, spec.Strategy.Type)
	}
	mounts := map[string]string{}
	for _, m := range c.bot().VolumeMounts {
		mounts[m.Name] = m.MountPath
	}
	if mounts["data"] != "/data" || c.env()["SSHKEYBOT_DATABASE_URL"] != "sqlite:/data/sshkeybot.db" {
		t.Errorf("the ledger is at %s, and what is mounted at %v", c.env()["SSHKEYBOT_DATABASE_URL"], mounts)
	}
}

func TestKubernetesWithPostgres(t *testing.T) {
	t.Parallel()
	c := kustomize(t, "overlays/postgres")
	if diff := cmp.Diff([]string{"ConfigMap", "Deployment", "Namespace", "NetworkPolicy", "PodDisruptionBudget", "Secret"}, c.kinds); diff != "" {
		t.Error(diff)
	}
	c.check(t, append([]string{"sshkeybot_database_url"}, tokens...), 53, 443, 5432)
	if spec := c.Deployment.Spec; *spec.Replicas != 2 || spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 {
		t.Errorf("%d replicas, %+v", *spec.Replicas, spec.Strategy)
	}
	budget := c.PodDisruptionBudget.Spec
	if diff := cmp.Diff(c.Deployment.Spec.Selector, budget.Selector); diff != "" || *budget.UnhealthyPodEvictionPolicy != policy.AlwaysAllow {
		t.Errorf("the budget is %+v", budget)
	}
	if v := c.pod().Volumes; len(v) != 1 || c.env()["SSHKEYBOT_DATABASE_URL"] != "" {
		t.Errorf("the volumes are %+v", v)
	}
}

// kustomize builds a kustomization, and decodes what it makes into the types of Kubernetes, which fails for a
// field that they do not have.
func kustomize(t *testing.T, folder string) cluster {
	t.Helper()
	files := []string{"base/sshkeybot.env", "overlays/postgres/secrets/sshkeybot_database_url"}
	for _, name := range tokens {
		files = append(files, path.Join("base/secrets", name))
	}
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path.Join(filled(t, "kubernetes", files...), folder))
	if err != nil {
		t.Fatal(err)
	}
	var c cluster
	into := map[string]any{
		"Namespace": &c.Namespace, "ConfigMap": &c.ConfigMap, "Secret": &c.Secret, "PersistentVolumeClaim": &c.PersistentVolumeClaim,
		"Deployment": &c.Deployment, "NetworkPolicy": &c.NetworkPolicy, "PodDisruptionBudget": &c.PodDisruptionBudget,
	}
	for _, r := range made.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if into[r.GetKind()] == nil || slices.Contains(c.kinds, r.GetKind()) {
			t.Fatalf("an unknown kind, or a second one:\n%s", text)
		}
		if err := yaml.UnmarshalStrict(text, into[r.GetKind()]); err != nil {
			t.Errorf("%v:\n%s", err, text)
		}
		c.kinds = append(c.kinds, r.GetKind())
	}
	slices.Sort(c.kinds)
	return c
}

func (c cluster) pod() core.PodSpec   { return c.Deployment.Spec.Template.Spec }
func (c cluster) bot() core.Container { return c.pod().Containers[0] }

func (c cluster) env() map[string]string {
	env := maps.Clone(c.ConfigMap.Data)
	for _, v := range c.bot().Env {
		env[v.Name] = v.Value
	}
	return env
}

func (c cluster) check(t *testing.T, secrets []string, egress ...int32) {
	t.Helper()
	c.checkSettings(t, secrets)
	c.checkRights(t)
	c.checkProbes(t)
	c.checkNetwork(t, egress)
	if c.Namespace.Name != c.Deployment.Namespace || c.Namespace.Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Errorf("the namespace is %+v", c.Namespace)
	}
	if s := c.pod().TerminationGracePeriodSeconds; *s <= stops {
		t.Errorf("the bot has %d seconds to end", *s)
	}
	if r := c.bot().Resources; r.Requests.Memory().IsZero() || r.Requests.Cpu().IsZero() || r.Limits.Memory().IsZero() {
		t.Errorf("its resources are %+v", r)
	}
}

func (c cluster) checkSettings(t *testing.T, secrets []string) {
	t.Helper()
	volumes := c.pod().Volumes
	volume := volumes[slices.IndexFunc(volumes, func(v core.Volume) bool { return v.Secret != nil })]
	mounts := c.bot().VolumeMounts
	mount := mounts[slices.IndexFunc(mounts, func(m core.VolumeMount) bool { return m.Name == volume.Name })]
	mounted := map[string]string{}
	for key := range c.Secret.Data {
		mounted[key] = path.Join(mount.MountPath, key)
	}
	checkFiles(t, c.env(), mounted)
	if got := slices.Sorted(maps.Keys(mounted)); !slices.Equal(got, slices.Sorted(slices.Values(secrets))) {
		t.Errorf("its secrets are %q", got)
	}
	if volume.Secret.SecretName != c.Secret.Name || c.bot().EnvFrom[0].ConfigMapRef.Name != c.ConfigMap.Name {
		t.Error("the pod has another secret, or other settings")
	}
}

func (c cluster) checkRights(t *testing.T) {
	t.Helper()
	pod, bot := c.pod().SecurityContext, c.bot().SecurityContext
	yes, no, id, always := true, false, int64(nonroot), core.FSGroupChangeOnRootMismatch
	wantPod := &core.PodSecurityContext{
		RunAsNonRoot: &yes, RunAsUser: &id, RunAsGroup: &id, FSGroup: &id, FSGroupChangePolicy: &always,
		SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
	}
	wantBot := &core.SecurityContext{
		AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes, Capabilities: &core.Capabilities{Drop: []core.Capability{"ALL"}},
	}
	if diff := cmp.Diff(wantPod, pod) + cmp.Diff(wantBot, bot); diff != "" {
		t.Error(diff)
	}
	if *c.pod().AutomountServiceAccountToken || *c.pod().EnableServiceLinks {
		t.Error("the pod has a token of Kubernetes, or variables of its Services")
	}
}

// checkProbes checks that the probes reach the health pages, and that nothing but a bot that does not answer is
// restarted.
func (c cluster) checkProbes(t *testing.T) {
	t.Helper()
	bot := c.bot()
	if c.env()["SSHKEYBOT_HTTP_ADDR"] != address || bot.Ports[0].ContainerPort != port {
		t.Errorf("the bot listens at %s, and its ports are %+v", c.env()["SSHKEYBOT_HTTP_ADDR"], bot.Ports)
	}
	for want, probe := range map[string][]*core.Probe{"/healthz": {bot.StartupProbe, bot.LivenessProbe}, "/readyz": {bot.ReadinessProbe}} {
		for _, p := range probe {
			if p.HTTPGet.Path != want || p.HTTPGet.Port.String() != bot.Ports[0].Name {
				t.Errorf("a probe asks %+v, want %s", p.HTTPGet, want)
			}
		}
	}
}

func (c cluster) checkNetwork(t *testing.T, egress []int32) {
	t.Helper()
	spec := c.NetworkPolicy.Spec
	if diff := cmp.Diff(*c.Deployment.Spec.Selector, spec.PodSelector); diff != "" || len(spec.PolicyTypes) != 2 {
		t.Errorf("it is for %+v, %v", spec.PodSelector, spec.PolicyTypes)
	}
	var out []int32
	for _, rule := range spec.Egress {
		for _, p := range rule.Ports {
			out = append(out, p.Port.IntVal)
		}
	}
	if got := slices.Compact(out); !slices.Equal(got, egress) {
		t.Errorf("it may call the ports %v, want %v", got, egress)
	}
	if in := spec.Ingress; len(in) != 1 || len(in[0].From) != 1 || in[0].Ports[0].Port.IntVal != port {
		t.Errorf("it may be called by %+v", in)
	}
}
