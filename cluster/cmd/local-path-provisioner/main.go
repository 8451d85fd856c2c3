// Command local-path-provisioner makes volumes out of folders of this machine, for the cluster's default StorageClass. Every node of
// it sees the same folders, so a volume may go with its pod from one to another, as those of a network do.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// name is what a StorageClass calls it by.
const name = "rspark-cluster/local-path"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: local-path-provisioner KUBECONFIG FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], folders{root: os.Args[2]}); err != nil {
		fmt.Fprintf(os.Stderr, "local-path-provisioner: %v\n", err)
		os.Exit(1)
	}
}

func run(kubeconfig string, made folders) error {
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
	controller.NewProvisionController(ctx, client, name, made, controller.LeaderElection(false)).Run(ctx)
	return nil
}

// folders are the volumes: each is a folder below root.
type folders struct{ root string }

// Provision makes the folder of a claim. Whoever runs in a pod may write into it; nobody else reaches it, since root may not
// be entered.
func (f folders) Provision(_ context.Context, asked controller.ProvisionOptions) (*core.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(f.root, asked.PVName)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	if err := os.Chmod(path, 0o777); err != nil { // whatever the umask is
		return nil, controller.ProvisioningFinished, err
	}
	mode := core.PersistentVolumeFilesystem
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: asked.PVName},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *asked.StorageClass.ReclaimPolicy,
			AccessModes:                   asked.PVC.Spec.AccessModes,
			VolumeMode:                    &mode,
			Capacity:                      core.ResourceList{core.ResourceStorage: asked.PVC.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeSource:        core.PersistentVolumeSource{HostPath: &core.HostPathVolumeSource{Path: path}},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete takes the folder of a volume away.
func (f folders) Delete(_ context.Context, volume *core.PersistentVolume) error {
	if volume.Spec.HostPath == nil || filepath.Dir(volume.Spec.HostPath.Path) != f.root {
		return fmt.Errorf("%s is no folder of this machine", volume.Name)
	}
	return os.RemoveAll(volume.Spec.HostPath.Path)
}
