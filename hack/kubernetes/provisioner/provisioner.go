// Package provisioner gives every PersistentVolumeClaim a directory of this
// machine, so that a cluster without a storage system has dynamic volumes.
//
// On a single node a directory can be shared by any number of pods, so every
// access mode is granted; the directory is open to all users because the
// kubelet does not change the owner of hostPath volumes and pods are non-root.
package provisioner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// Name is what a StorageClass writes as its provisioner.
const Name = "evermodel.dev/directory"

type directories struct {
	root string
}

// Provision makes the directory of one claim and describes it as a volume.
func (d directories) Provision(
	_ context.Context, options controller.ProvisionOptions,
) (*core.PersistentVolume, controller.ProvisioningState, error) {
	claim := options.PVC
	if mode := claim.Spec.VolumeMode; mode != nil && *mode == core.PersistentVolumeBlock {
		return nil, controller.ProvisioningFinished, fmt.Errorf(
			"claim %s/%s asks for a block device, but this class has directories only: set volumeMode: Filesystem",
			claim.Namespace, claim.Name)
	}
	path := filepath.Join(d.root, options.PVName)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// MkdirAll applies the umask; Chmod does not.
	if err := os.Chmod(path, 0o777); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	directory := core.HostPathDirectory
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: options.PVName},
		Spec: core.PersistentVolumeSpec{
			AccessModes: claim.Spec.AccessModes,
			Capacity:    core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			PersistentVolumeSource: core.PersistentVolumeSource{
				HostPath: &core.HostPathVolumeSource{Path: path, Type: &directory},
			},
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
		},
	}
	return volume, controller.ProvisioningFinished, nil
}

// Delete removes the directory of a released volume, and never one outside the root.
func (d directories) Delete(_ context.Context, volume *core.PersistentVolume) error {
	path := volume.Spec.HostPath.Path
	if filepath.Dir(path) != d.root {
		return fmt.Errorf("volume %s lies at %s, outside %s: remove it by hand", volume.Name, path, d.root)
	}
	return os.RemoveAll(path)
}

// NewCommand makes the command that serves claims until it is stopped.
func NewCommand() *cobra.Command {
	var kubeconfig, root string
	command := &cobra.Command{
		Use:   "directory-provisioner",
		Short: "Give every PersistentVolumeClaim a directory of this machine",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			ctx := command.Context()
			controller.NewProvisionController(
				ctx, client, Name, directories{root: filepath.Clean(root)}, controller.LeaderElection(false),
			).Run(ctx)
			return nil
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().StringVar(&root, "directory", "", "where the directories are made")
	for _, flag := range []string{"kubeconfig", "directory"} {
		if err := command.MarkFlagRequired(flag); err != nil {
			panic(err)
		}
	}
	return command
}
