// Command policy-agent enforces NetworkPolicies on this node: it watches them, pods and namespaces, and keeps the rules of
// nftables as they demand. When it dies the rules stay, and it begins anew where it is started again.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"

	"rsparkhub/cluster/internal/policy"
)

// pause gathers what changes together into one set of rules.
const pause = 10 * time.Millisecond

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: policy-agent KUBECONFIG POD-RANGE NODE-ADDRESS,... MARK")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], strings.Split(os.Args[3], ","), os.Args[4]); err != nil {
		fmt.Fprintf(os.Stderr, "policy-agent: %v\n", err)
		os.Exit(1)
	}
}

// run keeps the rules; it makes the file mark once the first ones are in.
func run(kubeconfig, podRange string, nodes []string, mark string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	factory := informers.NewSharedInformerFactory(client, 0)
	pods, policies, namespaces := factory.Core().V1().Pods(), factory.Networking().V1().NetworkPolicies(), factory.Core().V1().Namespaces()
	changed := make(chan struct{}, 1)
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), policies.Informer(), namespaces.Informer()} {
		tell := func(any) {
			select {
			case changed <- struct{}{}:
			default: // it is told already
			}
		}
		handler := cache.ResourceEventHandlerFuncs{AddFunc: tell, UpdateFunc: func(_, now any) { tell(now) }, DeleteFunc: tell}
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	last := ""
	for ctx.Err() == nil {
		world, err := look(pods.Lister().List, policies.Lister().List, namespaces.Lister().List)
		if err != nil {
			return err
		}
		world.PodRange, world.Nodes = podRange, nodes
		if text := policy.Render(world); text != last {
			if err := put(text); err != nil {
				return err
			}
			last = text
			if err := os.WriteFile(mark, nil, 0o600); err != nil {
				return err
			}
		}
		select {
		case <-changed:
			time.Sleep(pause)
		case <-ctx.Done():
		}
	}
	return nil
}

type list[T any] func(labels.Selector) ([]T, error)

func look(pods list[*core.Pod], policies list[*networking.NetworkPolicy], namespaces list[*core.Namespace]) (policy.World, error) {
	var world policy.World
	var err error
	if world.Pods, err = pods(labels.Everything()); err != nil {
		return world, err
	}
	if world.Policies, err = policies(labels.Everything()); err != nil {
		return world, err
	}
	world.Namespaces, err = namespaces(labels.Everything())
	return world, err
}

func put(rules string) error {
	command := exec.Command("nft", "-f", "-")
	command.Stdin = strings.NewReader(rules)
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("nft refuses the rules: %w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}
