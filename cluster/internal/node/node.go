// Package node makes this machine a node: containerd, the pods' network, the kubelet and kube-proxy.
package node

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"rsparkhub/cluster/internal/place"
	"rsparkhub/cluster/internal/process"
)

const (
	// Socket of the cluster's own containerd. A socket's path is short, so it lies not with the rest.
	Socket     = "/run/rspark-cluster/containerd.sock"
	run        = "/run/rspark-cluster"
	pauseImage = "localhost/rspark-cluster/pause:1"
	cniBin     = "/usr/lib/cni"
)

// Prepare writes the node's configuration.
func Prepare(p place.Place) error {
	for _, folder := range []string{run, p.State("cni")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	files := map[string]string{
		p.State("containerd.toml"):        fmt.Sprintf(containerdConfig, p.State("containerd"), run, Socket, pauseImage, cniBin, p.State("cni")),
		p.State("cni/10-bridge.conflist"): fmt.Sprintf(cniConfig, place.Bridge, place.PodRange, p.State("cni-addresses")),
		p.State("kubelet.config.json"): fmt.Sprintf(kubeletConfig,
			p.PKI("ca.crt"), p.PKI("kubelet.crt"), p.PKI("kubelet.key"), "unix://"+Socket, place.DNSService),
		p.State("proxy.config.json"): fmt.Sprintf(proxyConfig, p.State("proxy.json"), place.PodRange),
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
 {"type": "bridge", "bridge": %q, "isGateway": true, "ipMasq": true, "hairpinMode": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": %q}},
 {"type": "portmap", "capabilities": {"portMappings": true}}]}
`

const kubeletConfig = `{"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
 "failCgroupV1": false, "cgroupDriver": "cgroupfs", "oomScoreAdj": 0, "enforceNodeAllocatable": [], "failSwapOn": false,
 "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true}, "x509": {"clientCAFile": %q}},
 "authorization": {"mode": "Webhook"}, "readOnlyPort": 0,
 "tlsCertFile": %q, "tlsPrivateKeyFile": %q, "containerRuntimeEndpoint": %q,
 "clusterDNS": [%q], "clusterDomain": "cluster.local", "seccompDefault": true}
`

const proxyConfig = `{"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
 "mode": "nftables", "clientConnection": {"kubeconfig": %q}, "clusterCIDR": %q,
 "conntrack": {"maxPerCore": 0, "min": 0}}
`

// Start starts the node's programs, and returns when containerd answers and has the image of the pods' first container.
func Start(ctx context.Context, p place.Place, keeper *process.Keeper) error {
	containerd := process.Program{Name: "containerd", Log: p.Log("containerd"),
		Command: []string{"containerd", "--config", p.State("containerd.toml")}}
	if err := keeper.Keep(containerd); err != nil {
		return err
	}
	if err := until(ctx, "ctr", "--address", Socket, "version"); err != nil {
		return fmt.Errorf("containerd does not answer; %s says why: %w", p.Log("containerd"), err)
	}
	if err := importPause(p); err != nil {
		return err
	}
	for _, program := range []process.Program{kubelet(p), proxy(p)} {
		if err := keeper.Keep(program); err != nil {
			return err
		}
	}
	return until(ctx, p.Bin("kubectl"), "--kubeconfig", p.Kubeconfig(), "wait", "--for=condition=Ready",
		"node/"+place.NodeName, "--timeout=1s")
}

func kubelet(p place.Place) process.Program {
	return process.Program{Name: "kubelet", Log: p.Log("kubelet"), Command: []string{
		p.Bin("kubelet"), "--config=" + p.State("kubelet.config.json"), "--kubeconfig=" + p.State("kubelet.json"),
		"--hostname-override=" + place.NodeName, "--node-ip=" + place.NodeAddress, "--root-dir=" + p.State("kubelet"),
	}}
}

func proxy(p place.Place) process.Program {
	return process.Program{Name: "kube-proxy", Log: p.Log("kube-proxy"), Command: []string{
		p.Bin("kube-proxy"), "--config=" + p.State("proxy.config.json"), "--hostname-override=" + place.NodeName,
	}}
}

// Network makes the pods' bridge before the API server and the kubelet use its address, and lets packets through.
func Network() error {
	if _, err := os.Stat("/sys/class/net/" + place.Bridge); err != nil {
		if err := tell("ip", "link", "add", place.Bridge, "type", "bridge"); err != nil {
			return err
		}
	}
	for _, command := range [][]string{
		{"ip", "address", "replace", place.NodeAddress + "/24", "dev", place.Bridge},
		{"ip", "link", "set", place.Bridge, "up"},
		{"sysctl", "-qw", "net.ipv4.ip_forward=1"},
		// Packets from pod to pod on one bridge meet the rules as well.
		{"sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1"},
	} {
		if err := tell(command...); err != nil {
			return err
		}
	}
	return nil
}

// importPause puts our `pause` into containerd, as an image of one file: it holds a pod's namespaces and ends on SIGTERM.
func importPause(p place.Place) error {
	program, err := os.ReadFile(p.Bin("pause"))
	if err != nil {
		return err
	}
	layer := archive(map[string][]byte{"pause": program})
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux", "config": map[string]any{"Entrypoint": []string{"/pause"}, "User": "65535"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{{
		"Config": "config.json", "RepoTags": []string{pauseImage}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	file := p.State("pause.tar")
	image := archive(map[string][]byte{"config.json": config, "layer.tar": layer, "manifest.json": manifest})
	if err := os.WriteFile(file, image, 0o600); err != nil {
		return err
	}
	return tell("ctr", "--address", Socket, "--namespace", "k8s.io", "image", "import", file)
}

func archive(files map[string][]byte) []byte {
	var buffer bytes.Buffer
	writer := tar.NewWriter(&buffer)
	for name, data := range files {
		// Writing into memory does not fail, and neither do headers as plain as these.
		_ = writer.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(data))})
		_, _ = writer.Write(data)
	}
	_ = writer.Close()
	return buffer.Bytes()
}

// CleanUp takes away what a node left: containers and their shims, mounts, the bridge, and kube-proxy's rules. What is not
// there is no error, so that it also cleans up after a cluster that was killed.
func CleanUp(p place.Place) error {
	shims, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, file := range shims {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), "containerd-shim") || !strings.Contains(string(text), Socket) {
			continue
		}
		_ = tell("kill", "-9", "--", "-"+filepath.Base(filepath.Dir(file)))
	}
	if err := endMembers(); err != nil {
		return err
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(mounts)), "\n")
	for i := len(lines) - 1; i >= 0; i-- { // the innermost first
		where := strings.Fields(lines[i])[1]
		if strings.HasPrefix(where, p.Root+"/") || strings.HasPrefix(where, run+"/") {
			if err := tell("umount", "--lazy", where); err != nil {
				return err
			}
		}
	}
	if _, err := os.Stat("/sys/class/net/" + place.Bridge); err == nil {
		if err := tell("ip", "link", "delete", place.Bridge); err != nil {
			return err
		}
	}
	if err := tell(p.Bin("kube-proxy"), "--cleanup"); err != nil {
		return err
	}
	if exec.Command("nft", "list", "table", "inet", "rspark_policy").Run() == nil {
		if err := tell("nft", "delete", "table", "inet", "rspark_policy"); err != nil {
			return err
		}
	}
	for _, family := range []string{"iptables", "ip6tables"} {
		if err := dropRules(family); err != nil {
			return err
		}
	}
	return os.RemoveAll(run)
}

// dropRules takes away the chains of the kubelet and of the network plugins, which no clean-up of theirs does.
func dropRules(family string) error {
	saved, err := exec.Command(family + "-save").Output()
	if err != nil {
		return fmt.Errorf("%s-save: %w", family, err)
	}
	var left []string
	for _, line := range strings.Split(string(saved), "\n") {
		if !strings.Contains(line, "KUBE-") && !strings.Contains(line, "CNI-") {
			left = append(left, line)
		}
	}
	restore := exec.Command(family + "-restore")
	restore.Stdin = strings.NewReader(strings.Join(left, "\n"))
	if said, err := restore.CombinedOutput(); err != nil {
		return fmt.Errorf("%s-restore: %w: %s", family, err, strings.TrimSpace(string(said)))
	}
	return nil
}

// endMembers ends what still runs in the cgroups of pods.
func endMembers() error {
	for _, folder := range []string{"/sys/fs/cgroup/*/kubepods", "/sys/fs/cgroup/kubepods"} {
		roots, err := filepath.Glob(folder)
		if err != nil {
			return err
		}
		for _, root := range roots {
			err := filepath.WalkDir(root, func(path string, entry os.DirEntry, _ error) error {
				if entry == nil || entry.IsDir() || entry.Name() != "cgroup.procs" {
					return nil
				}
				members, _ := os.ReadFile(path) // it may have gone since it was listed
				for _, pid := range strings.Fields(string(members)) {
					_ = tell("kill", "-9", pid)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
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
