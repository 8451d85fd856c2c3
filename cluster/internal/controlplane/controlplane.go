// Package controlplane runs etcd, the API server, the controller manager and the scheduler.
package controlplane

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"time"

	"rsparkhub/cluster/internal/pki"
	"rsparkhub/cluster/internal/place"
	"rsparkhub/cluster/internal/process"
)

const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]}
`

// Prepare makes the certificates and kubeconfigs of a new cluster, but for those of its nodes.
func Prepare(p place.Place, authority *pki.Authority) error {
	if err := os.WriteFile(p.PKI("ca.crt"), authority.PEM, 0o600); err != nil {
		return err
	}
	server, err := authority.Sign("kube-apiserver", nil, "127.0.0.1", place.APIService, p.Nodes()[0].Address(),
		"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
	if err != nil {
		return err
	}
	if err := server.Write(p.PKI("apiserver.crt"), p.PKI("apiserver.key")); err != nil {
		return err
	}
	clients := []struct {
		name, file string
		groups     []string
	}{
		{"admin", p.Kubeconfig(), []string{"system:masters"}},
		{"system:kube-controller-manager", p.State("controller-manager.json"), nil},
		{"system:kube-scheduler", p.State("scheduler.json"), nil},
		{"system:kube-proxy", p.State("proxy.json"), nil},
	}
	for _, client := range clients {
		identity, err := authority.Sign(client.name, client.groups)
		if err != nil {
			return err
		}
		if err := identity.WriteKubeconfig(client.file, place.APIServer, authority); err != nil {
			return err
		}
	}
	// With this one the API server asks the kubelet, for logs and exec.
	kubelet, err := authority.Sign("kube-apiserver-kubelet-client", []string{"system:masters"})
	if err != nil {
		return err
	}
	if err := kubelet.Write(p.PKI("kubelet-client.crt"), p.PKI("kubelet-client.key")); err != nil {
		return err
	}
	if err := os.WriteFile(p.State("audit.json"), []byte(auditPolicy), 0o600); err != nil {
		return err
	}
	return writeServiceAccountKey(p.PKI("service-accounts.key"))
}

func writeServiceAccountKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600)
}

// Start starts the control plane, and returns when the API server is ready.
func Start(ctx context.Context, p place.Place, keeper *process.Keeper) error {
	for _, program := range []process.Program{etcd(p), apiServer(p)} {
		if err := keeper.Keep(program); err != nil {
			return err
		}
	}
	if err := untilReady(ctx, p); err != nil {
		return fmt.Errorf("the API server is not ready; %s says why: %w", p.Log("kube-apiserver"), err)
	}
	for _, program := range []process.Program{controllerManager(p), scheduler(p)} {
		if err := keeper.Keep(program); err != nil {
			return err
		}
	}
	return nil
}

func etcd(p place.Place) process.Program {
	return process.Program{Name: "etcd", Log: p.Log("etcd"), Command: []string{
		p.Bin("etcd"), "--data-dir=" + p.State("etcd"), "--name=cluster",
		"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379",
		"--listen-peer-urls=http://127.0.0.1:2380", "--initial-advertise-peer-urls=http://127.0.0.1:2380",
		"--initial-cluster=cluster=http://127.0.0.1:2380",
		"--unsafe-no-fsync", // what is in a cluster for tests dies with the machine anyway
	}}
}

func apiServer(p place.Place) process.Program {
	return process.Program{Name: "kube-apiserver", Log: p.Log("kube-apiserver"), Command: []string{
		p.Bin("kube-apiserver"), "--etcd-servers=http://127.0.0.1:2379", "--secure-port=" + place.APIPort,
		"--bind-address=0.0.0.0", "--advertise-address=" + p.Nodes()[0].Address(), // pods reach it through the service's address
		"--tls-cert-file=" + p.PKI("apiserver.crt"), "--tls-private-key-file=" + p.PKI("apiserver.key"),
		"--client-ca-file=" + p.PKI("ca.crt"), "--cert-dir=" + p.State("pki"),
		"--service-account-key-file=" + p.PKI("service-accounts.key"),
		"--service-account-signing-key-file=" + p.PKI("service-accounts.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-cluster-ip-range=" + place.ServiceRange, "--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction", "--anonymous-auth=false", "--allow-privileged=true",
		"--kubelet-client-certificate=" + p.PKI("kubelet-client.crt"), "--kubelet-client-key=" + p.PKI("kubelet-client.key"),
		"--kubelet-certificate-authority=" + p.PKI("ca.crt"), "--kubelet-preferred-address-types=InternalIP",
		"--audit-policy-file=" + p.State("audit.json"), "--audit-log-path=" + p.Audit(), "--audit-log-maxsize=100", "--audit-log-maxbackup=1",
		"--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000",
	}}
}

func controllerManager(p place.Place) process.Program {
	return process.Program{Name: "kube-controller-manager", Log: p.Log("kube-controller-manager"), Command: []string{
		p.Bin("kube-controller-manager"), "--kubeconfig=" + p.State("controller-manager.json"), "--leader-elect=false",
		"--use-service-account-credentials=true", "--service-account-private-key-file=" + p.PKI("service-accounts.key"),
		"--root-ca-file=" + p.PKI("ca.crt"), "--kube-api-qps=200", "--kube-api-burst=400",
		"--node-monitor-grace-period=20s", // a node that is lost is told sooner than by default: tests wait for it
		"--bind-address=127.0.0.1", "--cert-dir=" + p.State("pki"),
	}}
}

func scheduler(p place.Place) process.Program {
	return process.Program{Name: "kube-scheduler", Log: p.Log("kube-scheduler"), Command: []string{
		p.Bin("kube-scheduler"), "--kubeconfig=" + p.State("scheduler.json"), "--leader-elect=false",
		"--kube-api-qps=200", "--kube-api-burst=400", "--bind-address=127.0.0.1",
	}}
}

func untilReady(ctx context.Context, p place.Place) error {
	pair, err := tls.LoadX509KeyPair(p.PKI("kubelet-client.crt"), p.PKI("kubelet-client.key"))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(p.PKI("ca.crt"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
	}}
	for {
		answer, err := client.Get(place.APIServer + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("it answers %s", answer.Status)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
