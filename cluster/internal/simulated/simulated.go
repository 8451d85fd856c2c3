// Package simulated gives a cluster nodes on which nothing runs: KWOK says of their pods what a kubelet would. They are there for
// the API server, the scheduler and whoever watches: thousands of pods fit a small machine.
package simulated

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"rsparkhub/cluster/internal/place"
	"rsparkhub/cluster/internal/process"
)

//go:embed stages.yaml
var stages []byte

const (
	mark = "kwok.x-k8s.io/node"
	// Pods have addresses of the loopback, so that one server on this machine may answer for all of them.
	podRange = "127.10.0.1/16"
	selector = "type=kwok"
)

// Keep keeps KWOK running.
func Keep(p place.Place, keeper *process.Keeper) error {
	if _, err := os.Stat(p.Bin("kwok")); err != nil {
		return fmt.Errorf("KWOK is not built: use `make cluster-scale`, which builds it")
	}
	file := p.State("stages.yaml")
	if err := os.WriteFile(file, stages, 0o600); err != nil {
		return err
	}
	return keeper.Keep(process.Program{Name: "kwok", Log: p.Log("kwok"), Command: []string{
		p.Bin("kwok"), "--kubeconfig=" + p.Kubeconfig(), "--config=" + file, "--cidr=" + podRange, "--node-ip=127.0.0.1",
		"--manage-nodes-with-annotation-selector=" + mark + "=fake", "--node-lease-duration-seconds=40",
	}})
}

// Scale makes the number of simulated nodes so many: it adds what is missing, and takes away what is too much.
func Scale(p place.Place, wanted int) error {
	said, err := kubectl(p, "", "get", "nodes", "--selector="+selector, "--output=name")
	if err != nil {
		return err
	}
	var surplus []string
	there := map[string]bool{}
	for _, name := range strings.Fields(said) {
		there[strings.TrimPrefix(name, "node/")] = true
	}
	var nodes []map[string]any
	for number := 1; number <= wanted; number++ {
		if name := fmt.Sprintf("kwok-%d", number); there[name] {
			delete(there, name)
		} else {
			nodes = append(nodes, node(name))
		}
	}
	for name := range there {
		surplus = append(surplus, name)
	}
	if len(surplus) > 0 {
		if _, err := kubectl(p, "", append([]string{"delete", "node"}, surplus...)...); err != nil {
			return err
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": nodes})
	if err != nil {
		return err
	}
	if _, err = kubectl(p, string(text), "apply", "--server-side", "--filename=-"); err != nil {
		return err
	}
	_, err = kubectl(p, "", "wait", "--for=condition=Ready", "node", "--selector="+selector, "--timeout=60s")
	return err
}

func node(name string) map[string]any {
	room := map[string]string{"cpu": "32", "memory": "256Gi", "pods": "110"}
	return map[string]any{
		"apiVersion": "v1", "kind": "Node",
		"metadata": map[string]any{
			"name": name, "annotations": map[string]string{mark: "fake"},
			"labels": map[string]string{"type": "kwok", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
		},
		// So that nothing that should really run comes here by chance.
		"spec":   map[string]any{"taints": []map[string]string{{"key": mark, "value": "fake", "effect": "NoSchedule"}}},
		"status": map[string]any{"allocatable": room, "capacity": room},
	}
}

func kubectl(p place.Place, given string, words ...string) (string, error) {
	command := exec.Command(p.Bin("kubectl"), append([]string{"--kubeconfig", p.Kubeconfig()}, words...)...)
	command.Stdin = strings.NewReader(given)
	var complaint strings.Builder
	command.Stderr = &complaint
	said, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", words[0], err, strings.TrimSpace(complaint.String()))
	}
	return string(said), nil
}
