// Package place says where everything of a cluster lies: all of it below one folder, so that removing the cluster is
// removing that folder.
package place

import (
	"fmt"
	"os"
	"path/filepath"
)

// Version is that of Kubernetes, and of every binary built here.
const Version = "v1.36.3"

// Addresses of the cluster. The first of the services' range is the API server, the tenth DNS.
const (
	APIServer    = "https://127.0.0.1:6443"
	APIPort      = "6443"
	ServiceRange = "10.96.0.0/16"
	APIService   = "10.96.0.1"
	DNSService   = "10.96.0.10"
	PodRange     = "10.244.0.0/16"
	// MostNodes is how many real nodes one machine may pretend to be.
	MostNodes = 4
)

// Run is where the nodes' sockets are: a socket's path is short, so they lie not with the rest.
const Run = "/run/rspark-cluster"

// Owner is whose cluster this machine has, or had when it was killed; p itself where nobody has said so. There is one a machine:
// its ports, bridges and control groups have one name each.
func (p Place) Owner() Place {
	root, err := os.ReadFile(ownerFile)
	if err != nil {
		return p
	}
	return Place{string(root)}
}

// Own says that this machine's cluster is that of p.
func (p Place) Own() error {
	if err := os.MkdirAll(Run, 0o700); err != nil {
		return err
	}
	return os.WriteFile(ownerFile, []byte(p.Root), 0o600)
}

// longestSocket is what the path of a socket may have, in bytes; see unix(7).
const longestSocket = 107

const ownerFile = Run + "/owner"

// Node is one of the real nodes: a containerd and a kubelet of its own, and a bridge for its pods. All of them are this machine,
// so that they share its kernel, its folders and its kube-proxy. The first is number 1.
type Node struct {
	Place
	Number int
}

// Nodes are all that may be.
func (p Place) Nodes() []Node {
	var nodes []Node
	for number := 1; number <= MostNodes; number++ {
		nodes = append(nodes, Node{p, number})
	}
	return nodes
}

func (n Node) Name() string            { return fmt.Sprintf("node-%d", n.Number) }
func (n Node) Address() string         { return fmt.Sprintf("10.244.%d.1", n.Number-1) }
func (n Node) PodRange() string        { return fmt.Sprintf("10.244.%d.0/24", n.Number-1) }
func (n Node) Bridge() string          { return fmt.Sprintf("rspark%d", n.Number-1) }
func (n Node) Run() string             { return filepath.Join(Run, n.Name()) }
func (n Node) Socket() string          { return filepath.Join(n.Run(), "containerd.sock") }
func (n Node) File(name string) string { return n.State(filepath.Join(n.Name(), name)) }
func (n Node) Log(name string) string  { return n.Place.Log(name + "-" + n.Name()) }
func (n Node) CGroup() string          { return "/rspark-cluster-" + n.Name() }

// Place is the folder of a cluster (`.build/cluster` of the checkout).
type Place struct{ Root string }

func (p Place) Bin(name string) string   { return filepath.Join(p.Root, "bin", name) }
func (p Place) Log(name string) string   { return filepath.Join(p.Root, "log", name+".log") }
func (p Place) State(name string) string { return filepath.Join(p.Root, "state", name) }

// PKI is the file of a certificate or key.
func (p Place) PKI(name string) string { return filepath.Join(p.Root, "state", "pki", name) }

// Kubeconfig is the administrator's.
func (p Place) Kubeconfig() string { return filepath.Join(p.Root, "kubeconfig") }

// Door is the socket by which a running cluster is asked for more.
func (p Place) Door() string { return filepath.Join(Run, "door.sock") }

// Audit is the API server's audit log.
func (p Place) Audit() string { return filepath.Join(p.Root, "log", "audit.log") }

// Make makes the folders, for their owner's eyes.
func (p Place) Make() error {
	last := p.Nodes()[MostNodes-1]
	if over := len(last.File("kubelet/pod-resources/")) + 10 - longestSocket; over > 0 { // the kubelet ends its name with a random number
		return fmt.Errorf("the path %s is too long for the sockets that a node has in it: use a folder whose path is %d characters shorter", p.Root, over)
	}
	for _, folder := range []string{p.State("pki"), filepath.Join(p.Root, "log"), filepath.Join(p.Root, "bin")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	return nil
}
