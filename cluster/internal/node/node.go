// Package node makes this machine a node, or several: for each a containerd, a network of pods and a kubelet; kube-proxy for all.
package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rsparkhub/cluster/internal/pki"
	"rsparkhub/cluster/internal/place"
	"rsparkhub/cluster/internal/process"
)

const (
	pauseImage = "localhost/rspark-cluster/pause:1"
	cniBin     = "/usr/lib/cni"
)

// Prepare writes a node's configuration, with certificates of its own.
func Prepare(n place.Node, authority *pki.Authority) error {
	for _, folder := range []string{n.Run(), n.File("cni"), n.File("pod-logs")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	client, err := authority.Sign("system:node:"+n.Name(), []string{"system:nodes"})
	if err != nil {
		return err
	}
	if err := client.WriteKubeconfig(n.File("kubelet.json"), place.APIServer, authority); err != nil {
		return err
	}
	served, err := authority.Sign("kubelet", nil, n.Address(), n.Name())
	if err != nil {
		return err
	}
	if err := served.Write(n.File("kubelet.crt"), n.File("kubelet.key")); err != nil {
		return err
	}
	files := map[string]string{
		n.File("containerd.toml"):        fmt.Sprintf(containerdConfig, n.File("containerd"), n.Run(), n.Socket(), pauseImage, cniBin, n.File("cni")),
		n.File("cni/10-bridge.conflist"): fmt.Sprintf(cniConfig, n.Bridge(), n.PodRange(), n.File("cni-addresses")),
		n.File("kubelet.config.json"): fmt.Sprintf(kubeletConfig,
			n.Address(), n.CGroup(), n.File("pod-logs"), n.PKI("ca.crt"), n.File("kubelet.crt"), n.File("kubelet.key"), "unix://"+n.Socket(), place.DNSService),
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

const containerdConfig = `version = 2
root = %q
state = %q
[grpc]
  address = %q
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %q
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %q
    conf_dir = %q
`

const cniConfig = `{"cniVersion": "1.0.0", "name": "rspark", "plugins": [
 {"type": "bridge", "bridge": %q, "isGateway": true, "hairpinMode": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": %q}},
 {"type": "portmap", "capabilities": {"portMappings": true}}]}
`

// The disk is the machine's, so it may be as full as its owner likes; and an image that was loaded can't be pulled again.
const kubeletConfig = `{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
 "failCgroupV1": false, "cgroupDriver": "cgroupfs", "oomScoreAdj": 0, "address": %q, "healthzPort": 0, "cgroupRoot": %q, "podLogsDir": %q, "enforceNodeAllocatable": [], "failSwapOn": false,
 "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true}, "x509": {"clientCAFile": %q}},
 "authorization": {"mode": "Webhook"}, "readOnlyPort": 0,
 "tlsCertFile": %q, "tlsPrivateKeyFile": %q, "containerRuntimeEndpoint": %q,
 "clusterDNS": [%q], "clusterDomain": "cluster.local", "seccompDefault": true, "nodeLeaseDurationSeconds": 16,
 "evictionHard": {"memory.available": "100Mi", "nodefs.available": "500Mi", "imagefs.available": "500Mi"}, "imageGCHighThresholdPercent": 100}
`

const proxyConfig = `{"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
 "mode": "nftables", "clientConnection": {"kubeconfig": %q}, "clusterCIDR": %q,
 "conntrack": {"maxPerCore": 0, "min": 0}}
`

// Start starts a node's programs, and returns when the API server knows the node as ready.
func Start(ctx context.Context, n place.Node, keeper *process.Keeper) error {
	if err := network(n); err != nil {
		return err
	}
	if err := makeCGroup(n); err != nil {
		return err
	}
	containerd := process.Program{Name: "containerd", Log: n.Log("containerd"),
		Command: []string{"containerd", "--config", n.File("containerd.toml")}}
	if err := keeper.Keep(containerd); err != nil {
		return err
	}
	if err := until(ctx, "ctr", "--address", n.Socket(), "version"); err != nil {
		return fmt.Errorf("containerd does not answer; %s says why: %w", n.Log("containerd"), err)
	}
	if err := importPause(n); err != nil {
		return err
	}
	kubelet := process.Program{Name: "kubelet", Log: n.Log("kubelet"), Command: []string{
		n.Bin("kubelet"), "--config=" + n.File("kubelet.config.json"), "--kubeconfig=" + n.File("kubelet.json"),
		"--hostname-override=" + n.Name(), "--node-ip=" + n.Address(), "--root-dir=" + n.File("kubelet"),
	}}
	if err := keeper.Keep(kubelet); err != nil {
		return err
	}
	return until(ctx, n.Bin("kubectl"), "--kubeconfig", n.Kubeconfig(), "wait", "--for=condition=Ready", "node/"+n.Name(), "--timeout=1s")
}

// StartProxy starts kube-proxy, which serves every node of this machine.
func StartProxy(p place.Place, keeper *process.Keeper) error {
	config := p.State("proxy.config.json")
	text := fmt.Sprintf(proxyConfig, p.State("proxy.json"), place.PodRange)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	return keeper.Keep(process.Program{Name: "kube-proxy", Log: p.Log("kube-proxy"), Command: []string{
		p.Bin("kube-proxy"), "--config=" + config, "--hostname-override=" + p.Nodes()[0].Name(),
	}})
}

// PrepareMachine lets packets through, and gives those of pods that leave the cluster the machine's own address.
func PrepareMachine(p place.Place) error {
	if err := network(p.Nodes()[0]); err != nil { // the API server has an address on it
		return err
	}
	for _, command := range [][]string{
		{"sysctl", "-qw", "net.ipv4.ip_forward=1"},
		// Packets from pod to pod on one bridge meet the rules as well.
		{"sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1"},
		{"nft", fmt.Sprintf("table %[1]s {}; delete table %[1]s; table %[1]s { chain leave { type nat hook postrouting priority srcnat; "+
			"ip saddr %[2]s ip daddr != %[2]s masquerade; }; }", natTable, place.PodRange)},
	} {
		if err := tell(command...); err != nil {
			return err
		}
	}
	return nil
}

const natTable = "ip rspark_nat"

// network makes the bridge of a node's pods before anything uses its address.
func network(n place.Node) error {
	if _, err := os.Stat("/sys/class/net/" + n.Bridge()); err != nil {
		if err := tell("ip", "link", "add", n.Bridge(), "type", "bridge"); err != nil {
			return err
		}
	}
	if err := tell("ip", "address", "replace", n.Address()+"/24", "dev", n.Bridge()); err != nil {
		return err
	}
	return tell("ip", "link", "set", n.Bridge(), "up")
}

// makeCGroup makes the control group under which a kubelet has its pods: one would take those of another for orphans.
func makeCGroup(n place.Node) error {
	for _, hierarchy := range hierarchies() {
		if err := os.MkdirAll(hierarchy+n.CGroup(), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// hierarchies are the roots of control groups: one for each controller in version 1, one for all in version 2.
func hierarchies() []string {
	const root = "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		return []string{root}
	}
	found, _ := filepath.Glob(root + "/*") // the pattern is a good one
	return found
}

func until(ctx context.Context, command ...string) error {
	for {
		err := tell(command...)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func tell(command ...string) error {
	said, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, strings.TrimSpace(string(said)))
	}
	return nil
}
