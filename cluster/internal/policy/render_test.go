package policy

import (
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

func pod(namespace, name, ip string, labels map[string]string) *core.Pod {
	return &core.Pod{
		ObjectMeta: meta.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: core.PodSpec{Containers: []core.Container{{Ports: []core.ContainerPort{
			{Name: "web", ContainerPort: 8080}, {Name: "dns", ContainerPort: 53, Protocol: core.ProtocolUDP}}}}},
		Status: core.PodStatus{PodIP: ip, Phase: core.PodRunning},
	}
}

// the world of upstream's cases: three namespaces, with pods a and b in each.
func world(t *testing.T, policies ...string) World {
	t.Helper()
	found := World{PodRange: "10.244.0.0/24", Nodes: []string{"10.244.0.1"}}
	ip := []string{"10.244.0.11", "10.244.0.12", "10.244.0.21", "10.244.0.22", "10.244.0.31", "10.244.0.32"}
	for _, namespace := range []string{"x", "y", "z"} {
		found.Namespaces = append(found.Namespaces, &core.Namespace{
			ObjectMeta: meta.ObjectMeta{Name: namespace, Labels: map[string]string{"ns": namespace}}})
		for _, name := range []string{"a", "b"} {
			found.Pods = append(found.Pods, pod(namespace, name, ip[0], map[string]string{"pod": name}))
			ip = ip[1:]
		}
	}
	for _, text := range policies {
		policy := &networking.NetworkPolicy{}
		if err := yaml.UnmarshalStrict([]byte(text), policy); err != nil {
			t.Fatal(err)
		}
		policy.Namespace = "x"
		found.Policies = append(found.Policies, policy)
	}
	return found
}

func TestRules(t *testing.T) {
	cases := map[string]struct{ policy, has, hasNot string }{
		"nothing is isolated without a policy": {"", "map ingress {\n    type ipv4_addr : verdict\n  }", "jump"},
		"deny all isolates the pods of its namespace": {
			`{spec: {podSelector: {}, policyTypes: [Ingress]}}`, "10.244.0.11 : jump i_pods_", "10.244.0.21 :"},
		"an empty rule allows everybody": {
			`{spec: {podSelector: {matchLabels: {pod: a}}, ingress: [{}]}}`, "    accept\n", "10.244.0.12 :"},
		"pods of the same namespace": {
			`{spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}}`,
			"ip saddr { 10.244.0.12 } accept", "10.244.0.22 }"},
		"pods of chosen namespaces": {
			`{spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}, podSelector: {matchLabels: {pod: b}}}]}]}}`,
			"ip saddr { 10.244.0.22 } accept", "10.244.0.21"},
		"whole namespaces": {
			`{spec: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}}]}]}}`,
			"ip saddr { 10.244.0.21, 10.244.0.22, 10.244.0.31, 10.244.0.32 } accept", "saddr { 10.244.0.11"},
		"a selector that finds nobody allows nobody": {
			`{spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {pod: none}}}]}]}}`, "jump i_", "accept\n  }\n  chain i_pods"},
		"a network but for a part": {
			`{spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}]}}`,
			"ip daddr 10.0.0.0/8 ip daddr != { 10.1.0.0/16 } accept", "map ingress {\n    type ipv4_addr : verdict\n    elements"},
		"any address": {
			`{spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: "::/0"}}]}]}}`,
			"meta nfproto ipv4 accept", "::/0"},
		"a port": {
			`{spec: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}}`, "meta l4proto tcp th dport 80 accept", "udp"},
		"a range of ports of another protocol": {
			`{spec: {podSelector: {}, ingress: [{ports: [{protocol: UDP, port: 5000, endPort: 5010}]}]}}`,
			"meta l4proto udp th dport 5000-5010 accept", "tcp"},
		"a port by name is that of the pod that is reached": {
			`{spec: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: web}]}]}}`,
			"ip daddr { 10.244.0.11 } meta l4proto tcp th dport 8080 accept", "th dport 53"},
		"a port's name counts for its own protocol": {
			`{spec: {podSelector: {}, ingress: [{ports: [{protocol: UDP, port: web}]}]}}`, "jump i_", "8080"},
		"a protocol without a port": {
			`{spec: {podSelector: {}, ingress: [{ports: [{protocol: SCTP}]}]}}`, "meta l4proto sctp accept", "th dport"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var policies []string
			if c.policy != "" {
				policies = append(policies, c.policy)
			}
			_, text, _ := strings.Cut(Render(world(t, policies...)), "  }\n") // behind the set of all addresses
			if !strings.Contains(text, c.has) {
				t.Errorf("%q is missing in:\n%s", c.has, text)
			}
			if strings.Contains(text, c.hasNot) {
				t.Errorf("%q should not be in:\n%s", c.hasNot, text)
			}
		})
	}
}

func TestPodsThatHaveEndedAndPodsOfTheNodeHaveNoAddress(t *testing.T) {
	w := world(t, `{spec: {podSelector: {}, policyTypes: [Ingress]}}`)
	w.Pods[0].Status.Phase = core.PodSucceeded
	w.Pods[1].Spec.HostNetwork = true
	text := Render(w)
	for _, gone := range []string{"10.244.0.11", "10.244.0.12"} {
		if strings.Contains(text, gone) {
			t.Errorf("%s should not be in:\n%s", gone, text)
		}
	}
}

func TestTheSameWorldGivesTheSameRules(t *testing.T) {
	one := world(t, `{metadata: {name: p}, spec: {podSelector: {}, ingress: [{ports: [{port: web}, {port: dns, protocol: UDP}]}]}}`,
		`{metadata: {name: q}, spec: {podSelector: {}, policyTypes: [Egress]}}`)
	text := Render(one)
	one.Policies[0], one.Policies[1] = one.Policies[1], one.Policies[0]
	for range 20 {
		if Render(one) != text {
			t.Fatal("the rules differ")
		}
	}
}
