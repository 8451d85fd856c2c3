package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rsparkhub/cluster/internal/place"
	"rsparkhub/cluster/internal/policy"
)

const (
	removePatience = 10 * time.Second
	// Where the network plugins note what they gave, and the name of our network (see cniConfig).
	cniResults = "/var/lib/cni/results"
	cniNetwork = "rspark"
)

// CleanUp takes away what nodes left: containers and their shims, control groups, mounts, network namespaces, bridges, and
// kube-proxy's rules. What is not there is no error, so that it also cleans up after a cluster that was killed, be it p's own or
// the one before it, of another folder.
func CleanUp(p, before place.Place) error {
	shims, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, file := range shims {
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), "containerd-shim") || !strings.Contains(string(text), place.Run+"/") {
			continue
		}
		_ = tell("kill", "-9", "--", "-"+filepath.Base(filepath.Dir(file)))
	}
	for _, one := range p.Nodes() {
		if err := endMembers(one); err != nil {
			return err
		}
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(mounts)), "\n")
	for i := len(lines) - 1; i >= 0; i-- { // the innermost first
		where := strings.Fields(lines[i])[1]
		if slices.ContainsFunc([]string{p.Root, before.Root, place.Run}, func(root string) bool { return strings.HasPrefix(where, root+"/") }) {
			if err := tell("umount", "--lazy", where); err != nil {
				return err
			}
		}
	}
	if err := removeSandboxes(); err != nil {
		return err
	}
	for _, one := range p.Nodes() {
		if _, err := os.Stat("/sys/class/net/" + one.Bridge()); err == nil {
			if err := tell("ip", "link", "delete", one.Bridge()); err != nil {
				return err
			}
		}
	}
	if err := tell(p.Bin("kube-proxy"), "--cleanup"); err != nil {
		return err
	}
	for _, table := range []string{policy.Table, natTable} {
		family, name, _ := strings.Cut(table, " ")
		if exec.Command("nft", "list", "table", family, name).Run() == nil {
			if err := tell("nft", "delete", "table", family, name); err != nil {
				return err
			}
		}
	}
	for _, family := range []string{"iptables", "ip6tables"} {
		if err := dropRules(family); err != nil {
			return err
		}
	}
	return os.RemoveAll(place.Run)
}

// removeSandboxes takes away the network namespaces of pods, and with each the ends of its wire: containerd does so only for a
// pod that it sees end. What the network plugins noted tells ours, by the name of the network, from those of anybody else.
func removeSandboxes() error {
	files, err := filepath.Glob(filepath.Join(cniResults, cniNetwork+"-*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		var noted struct {
			ContainerID string
			Result      struct {
				Interfaces []struct{ Sandbox string }
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		_ = json.Unmarshal(text, &noted) // one that was cut off by a kill tells nothing, and goes like the others
		for _, one := range noted.Result.Interfaces {
			if !strings.HasPrefix(filepath.Base(one.Sandbox), "cni-") { // the end of the wire that is the node's
				continue
			}
			_ = exec.Command("umount", "--lazy", one.Sandbox).Run() // one that is no mount any more is only a file
			if err := os.Remove(one.Sandbox); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		for _, name := range []string{filepath.Base(file), "cni-loopback-" + noted.ContainerID + "-lo"} {
			if err := os.RemoveAll(filepath.Join(cniResults, name)); err != nil {
				return err
			}
		}
	}
	return nil
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

// endMembers ends what still runs in a node's control groups, and takes the groups away.
func endMembers(n place.Node) error {
	for _, hierarchy := range hierarchies() {
		root := hierarchy + n.CGroup()
		var groups []string
		err := filepath.WalkDir(root, func(path string, entry os.DirEntry, _ error) error {
			if entry != nil && entry.IsDir() { // it may have gone since it was listed
				groups = append(groups, path)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, group := range slices.Backward(groups) { // the innermost first
			if err := empty(group); err != nil {
				return err
			}
		}
	}
	return nil
}

// empty kills the members of a control group until it can be taken away: a killed process leaves it a moment later.
func empty(group string) error {
	deadline := time.Now().Add(removePatience)
	for {
		members, _ := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		for _, pid := range strings.Fields(string(members)) {
			_ = tell("kill", "-9", pid)
		}
		err := os.Remove(group)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}
