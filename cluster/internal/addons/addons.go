// Package addons gives a cluster what programs expect of one beyond its core: names (CoreDNS), volumes (the default
// StorageClass), and policies that are enforced.
package addons

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"text/template"
	"time"

	"rsparkhub/cluster/internal/place"
	"rsparkhub/cluster/internal/process"
)

//go:embed addons.yaml
var manifests string

// Start starts all of it, and returns when policies are enforced and names are found.
func Start(ctx context.Context, p place.Place, keeper *process.Keeper) error {
	if err := os.MkdirAll(p.State("volumes"), 0o700); err != nil {
		return err
	}
	enforced := p.State("policies-enforced")
	var addresses []string
	for _, one := range p.Nodes() {
		addresses = append(addresses, one.Address())
	}
	for _, program := range []process.Program{
		{Name: "policy-agent", Log: p.Log("policy-agent"), Command: []string{
			p.Bin("policy-agent"), p.Kubeconfig(), place.PodRange, strings.Join(addresses, ","), enforced}},
		{Name: "local-path-provisioner", Log: p.Log("local-path-provisioner"), Command: []string{
			p.Bin("local-path-provisioner"), p.Kubeconfig(), p.State("volumes")}},
	} {
		if err := keeper.Keep(program); err != nil {
			return err
		}
	}
	if err := apply(p); err != nil {
		return err
	}
	for {
		if _, err := os.Stat(enforced); err == nil {
			break
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("NetworkPolicies are not enforced; %s says why", p.Log("policy-agent"))
		case <-time.After(20 * time.Millisecond):
		}
	}
	wait := exec.CommandContext(ctx, p.Bin("kubectl"), "--kubeconfig", p.Kubeconfig(), "--namespace=kube-system",
		"rollout", "status", "deployment/coredns")
	if said, err := wait.CombinedOutput(); err != nil {
		return fmt.Errorf("DNS does not start: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

func apply(p place.Place) error {
	parsed, err := template.New("addons").Parse(manifests)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := parsed.Execute(&text, map[string]string{"Bin": p.Bin(""), "DNS": place.DNSService}); err != nil {
		return err
	}
	command := exec.Command(p.Bin("kubectl"), "--kubeconfig", p.Kubeconfig(), "apply", "--server-side", "--filename=-")
	command.Stdin = strings.NewReader(text.String())
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("the cluster's own objects can't be made: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}
