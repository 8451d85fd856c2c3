// Package place says where everything of a cluster lies: all of it below one folder, so that removing the cluster is
// removing that folder.
package place

import (
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
	PodRange     = "10.244.0.0/24"
	NodeAddress  = "10.244.0.1"
	NodeName     = "node-1"
	Bridge       = "rspark0"
)

// Place is the folder of a cluster (`.build/cluster` of the checkout).
type Place struct{ Root string }

func (p Place) Bin(name string) string   { return filepath.Join(p.Root, "bin", name) }
func (p Place) Log(name string) string   { return filepath.Join(p.Root, "log", name+".log") }
func (p Place) State(name string) string { return filepath.Join(p.Root, "state", name) }

// PKI is the file of a certificate or key.
func (p Place) PKI(name string) string { return filepath.Join(p.Root, "state", "pki", name) }

// Kubeconfig is the administrator's.
func (p Place) Kubeconfig() string { return filepath.Join(p.Root, "kubeconfig") }

// Audit is the API server's audit log.
func (p Place) Audit() string { return filepath.Join(p.Root, "log", "audit.log") }

// Make makes the folders, for their owner's eyes.
func (p Place) Make() error {
	for _, folder := range []string{p.State("pki"), filepath.Join(p.Root, "log"), filepath.Join(p.Root, "bin")} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	return nil
}
