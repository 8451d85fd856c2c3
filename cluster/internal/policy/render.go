// Package policy turns NetworkPolicies, and the pods they are about, into rules of nftables. Pure: who watches is cmd/policy-agent.
package policy

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Table is the name of the one table that holds everything.
const Table = "inet rspark_policy"

// World is what the API server knows of, at one moment.
type World struct {
	Policies   []*networking.NetworkPolicy
	Pods       []*core.Pod
	Namespaces []*core.Namespace
	// PodRange holds the addresses of all pods; one of them that is no pod's yet reaches nothing and is not reached.
	PodRange string
	// Nodes are this machine's own addresses in that range: what comes from the machine itself is never refused.
	Nodes []string
}

// Render gives the text for `nft -f`, which puts a new table in the place of the old one in one step.
//
// A packet meets two chains: what the pod it comes from may send, then what the pod it goes to may get. Each pod that some
// policy isolates in a direction has a chain of its own there, which ends in a drop. Services' addresses are translated
// before, so rules are about pods. Answers pass, and so does what the node itself sends: the kubelet's probes.
func Render(world World) string {
	r := renderer{world: world, namespaces: map[string]labels.Set{}}
	for _, namespace := range world.Namespaces {
		r.namespaces[namespace.Name] = namespace.Labels
	}
	for _, pod := range world.Pods {
		if ip := address(pod); ip != "" {
			r.pods = append(r.pods, pod)
			r.known = append(r.known, ip)
		}
	}
	policies := slices.Clone(world.Policies)
	slices.SortFunc(policies, func(a, b *networking.NetworkPolicy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	ingress, egress := isolation{verdict: "i"}, isolation{verdict: "e"}
	for _, policy := range policies {
		selected := r.podsIn(policy.Namespace, &policy.Spec.PodSelector)
		if concerns(policy, networking.PolicyTypeIngress) {
			chain := chainName("i", policy)
			r.chain(chain, r.ingressRules(policy, selected))
			ingress.add(selected, chain)
		}
		if concerns(policy, networking.PolicyTypeEgress) {
			chain := chainName("e", policy)
			r.chain(chain, r.egressRules(policy))
			egress.add(selected, chain)
		}
	}
	return r.table(&ingress, &egress)
}

type renderer struct {
	world      World
	namespaces map[string]labels.Set
	pods       []*core.Pod
	known      []string
	chains     strings.Builder
}

// isolation says which chains of policies a pod's packets go through, in one direction.
type isolation struct {
	verdict string
	order   []string
	chains  map[string][]string
}

func (i *isolation) add(pods []*core.Pod, chain string) {
	if i.chains == nil {
		i.chains = map[string][]string{}
	}
	for _, pod := range pods {
		ip := address(pod)
		if _, seen := i.chains[ip]; !seen {
			i.order = append(i.order, ip)
		}
		i.chains[ip] = append(i.chains[ip], chain)
	}
}

// groups gives pods that meet the same policies one chain.
func (i *isolation) groups() (elements []string, chains string) {
	var text strings.Builder
	made := map[string]bool{}
	slices.Sort(i.order)
	for _, ip := range i.order {
		joined := strings.Join(i.chains[ip], ",")
		name := fmt.Sprintf("%s_pods_%x", i.verdict, sha256.Sum256([]byte(joined)))[:20]
		elements = append(elements, fmt.Sprintf("%s : jump %s", ip, name))
		if made[name] {
			continue
		}
		made[name] = true
		fmt.Fprintf(&text, "  chain %s {\n", name)
		for _, chain := range i.chains[ip] {
			fmt.Fprintf(&text, "    jump %s\n", chain)
		}
		text.WriteString("    drop\n  }\n")
	}
	return elements, text.String()
}

func (r *renderer) table(ingress, egress *isolation) string {
	var text strings.Builder
	in, inChains := ingress.groups()
	out, outChains := egress.groups()
	fmt.Fprintf(&text, "table %s {}\ndelete table %s\ntable %s {\n", Table, Table, Table)
	slices.Sort(r.known)
	set := func(name, kind string, elements []string) {
		fmt.Fprintf(&text, "  %s\n", name+" {")
		fmt.Fprintf(&text, "    type %s\n", kind)
		if len(elements) > 0 {
			fmt.Fprintf(&text, "    elements = { %s }\n", strings.Join(elements, ", "))
		}
		text.WriteString("  }\n")
	}
	set("set known", "ipv4_addr", slices.Concat(r.world.Nodes, r.known))
	text.WriteString(r.chains.String())
	text.WriteString(inChains)
	text.WriteString(outChains)
	set("map ingress", "ipv4_addr : verdict", in)
	set("map egress", "ipv4_addr : verdict", out)
	base := func(name, hook string, priority int, rules ...string) {
		fmt.Fprintf(&text, "  chain %s {\n    type filter hook %s priority %d\n    ct state established,related accept\n", name, hook, priority)
		for _, rule := range rules {
			fmt.Fprintf(&text, "    %s\n", rule)
		}
		text.WriteString("  }\n")
	}
	unknownFrom := fmt.Sprintf("ip saddr %s ip saddr != @known drop", r.world.PodRange)
	unknownTo := fmt.Sprintf("ip daddr %s ip daddr != @known drop", r.world.PodRange)
	base("from_pods", "forward", -20, unknownFrom, "ip saddr vmap @egress")
	base("from_pods_to_the_node", "input", -20, unknownFrom, "ip saddr vmap @egress")
	base("to_pods", "forward", -19, unknownTo, "ip daddr vmap @ingress")
	text.WriteString("}\n")
	return text.String()
}

func (r *renderer) chain(name string, rules []string) {
	fmt.Fprintf(&r.chains, "  chain %s {\n", name)
	for _, rule := range rules {
		fmt.Fprintf(&r.chains, "    %s\n", rule)
	}
	r.chains.WriteString("  }\n")
}

func (r *renderer) ingressRules(policy *networking.NetworkPolicy, selected []*core.Pod) []string {
	var rules []string
	for _, rule := range policy.Spec.Ingress {
		for _, from := range r.peers(policy.Namespace, rule.From, "saddr") {
			for _, to := range ports(rule.Ports, selected, "") {
				rules = append(rules, join(from, to, "accept"))
			}
		}
	}
	return rules
}

func (r *renderer) egressRules(policy *networking.NetworkPolicy) []string {
	var rules []string
	for _, rule := range policy.Spec.Egress {
		for _, to := range r.peers(policy.Namespace, rule.To, "daddr") {
			targets := r.pods // of whom a port's name may be
			for _, port := range ports(rule.Ports, targets, to) {
				rules = append(rules, join(port, "accept"))
			}
		}
	}
	return rules
}

// peers gives a match for each peer, an empty one when everybody is; none when it matches nobody.
func (r *renderer) peers(namespace string, peers []networking.NetworkPolicyPeer, side string) []string {
	if len(peers) == 0 {
		return []string{""}
	}
	var matches []string
	var addresses []string
	for _, peer := range peers {
		if peer.IPBlock != nil {
			if match := block(peer.IPBlock, side); match != "" {
				matches = append(matches, match)
			}
			continue
		}
		for _, pod := range r.pods {
			if r.isPeer(namespace, &peer, pod) {
				addresses = append(addresses, address(pod))
			}
		}
	}
	if len(addresses) > 0 {
		slices.Sort(addresses)
		matches = append(matches, fmt.Sprintf("ip %s { %s }", side, strings.Join(slices.Compact(addresses), ", ")))
	}
	return matches
}

func (r *renderer) isPeer(namespace string, peer *networking.NetworkPolicyPeer, pod *core.Pod) bool {
	if peer.NamespaceSelector == nil {
		if pod.Namespace != namespace {
			return false
		}
	} else if !matches(peer.NamespaceSelector, r.namespaces[pod.Namespace]) {
		return false
	}
	return peer.PodSelector == nil || matches(peer.PodSelector, pod.Labels)
}

func (r *renderer) podsIn(namespace string, selector *meta.LabelSelector) []*core.Pod {
	var found []*core.Pod
	for _, pod := range r.pods {
		if pod.Namespace == namespace && matches(selector, pod.Labels) {
			found = append(found, pod)
		}
	}
	return found
}

// block matches addresses of a network but for some; empty for those of IPv6, which this cluster has not.
func block(asked *networking.IPBlock, side string) string {
	network, err := netip.ParsePrefix(asked.CIDR)
	if err != nil || !network.Addr().Is4() {
		return ""
	}
	match := fmt.Sprintf("ip %s %s", side, network.Masked())
	if network.Bits() == 0 {
		match = "meta nfproto ipv4"
	}
	var except []string
	for _, text := range asked.Except {
		if inner, err := netip.ParsePrefix(text); err == nil && inner.Addr().Is4() {
			except = append(except, inner.Masked().String())
		}
	}
	if len(except) > 0 {
		match += fmt.Sprintf(" ip %s != { %s }", side, strings.Join(except, ", "))
	}
	return match
}

// ports gives a match for each port, after what comes before it; all ports when none is named. A port's name is looked up in
// the pods that a packet may go to: what it means may be another number in each.
func ports(asked []networking.NetworkPolicyPort, targets []*core.Pod, before string) []string {
	if len(asked) == 0 {
		return []string{before}
	}
	var matches []string
	for _, port := range asked {
		protocol := core.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		layer := "meta l4proto " + strings.ToLower(string(protocol))
		switch {
		case port.Port == nil:
			matches = append(matches, join(before, layer))
		case port.Port.Type == intstr.String:
			for number, addresses := range named(port.Port.StrVal, protocol, targets) {
				to := fmt.Sprintf("ip daddr { %s }", strings.Join(addresses, ", "))
				matches = append(matches, join(before, to, layer, fmt.Sprintf("th dport %d", number)))
			}
		case port.EndPort != nil:
			matches = append(matches, join(before, layer, fmt.Sprintf("th dport %d-%d", port.Port.IntVal, *port.EndPort)))
		default:
			matches = append(matches, join(before, layer, fmt.Sprintf("th dport %d", port.Port.IntVal)))
		}
	}
	slices.Sort(matches)
	return matches
}

func named(name string, protocol core.Protocol, pods []*core.Pod) map[int32][]string {
	found := map[int32][]string{}
	for _, pod := range pods {
		for _, container := range pod.Spec.Containers {
			for _, port := range container.Ports {
				if port.Name == name && cmp.Or(port.Protocol, core.ProtocolTCP) == protocol {
					found[port.ContainerPort] = append(found[port.ContainerPort], address(pod))
				}
			}
		}
	}
	return found
}

// concerns tells whether a policy is about a direction: as it says, else by what the API server's defaults are.
func concerns(policy *networking.NetworkPolicy, direction networking.PolicyType) bool {
	if len(policy.Spec.PolicyTypes) > 0 {
		return slices.Contains(policy.Spec.PolicyTypes, direction)
	}
	return direction == networking.PolicyTypeIngress || len(policy.Spec.Egress) > 0
}

// address is a pod's own, while it has one: a pod on the node's network is the node, and one that has ended has none.
func address(pod *core.Pod) string {
	if pod.Spec.HostNetwork || pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed {
		return ""
	}
	if ip, err := netip.ParseAddr(pod.Status.PodIP); err != nil || !ip.Is4() {
		return ""
	}
	return pod.Status.PodIP
}

func matches(selector *meta.LabelSelector, found labels.Set) bool {
	parsed, err := meta.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(found) // one that can't be read selects nobody: the API server takes none
}

func chainName(direction string, policy *networking.NetworkPolicy) string {
	return fmt.Sprintf("%s_%x", direction, sha256.Sum256([]byte(policy.Namespace+"/"+policy.Name)))[:20]
}

func join(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}
