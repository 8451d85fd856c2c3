// Package pki makes the certificates of a cluster, and the kubeconfigs that carry them. Everything is made anew for each
// cluster, with one authority for all.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

const lifetime = 365 * 24 * time.Hour

// Authority signs.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	PEM         []byte
}

// Identity is a certificate and its key, as PEM.
type Identity struct{ Certificate, Key []byte }

// NewAuthority makes the authority of one cluster.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cluster"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &Authority{certificate, key, block("CERTIFICATE", der)}, nil
}

// Sign makes an identity. A client's name and groups are what RBAC sees as its user and groups; hosts are a server's names.
func (a *Authority) Sign(name string, groups []string, hosts ...string) (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	form := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name, Organization: groups},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if address := net.ParseIP(host); address != nil {
			form.IPAddresses = append(form.IPAddresses, address)
		} else {
			form.DNSNames = append(form.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, form, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &Identity{block("CERTIFICATE", der), block("PRIVATE KEY", private)}, nil
}

// Write puts an identity into two files that only their owner may read.
func (i *Identity) Write(certificate, key string) error {
	if err := os.WriteFile(certificate, i.Certificate, 0o600); err != nil {
		return err
	}
	return os.WriteFile(key, i.Key, 0o600)
}

// WriteKubeconfig writes the file with which this identity speaks to the API server.
func (i *Identity) WriteKubeconfig(path, server string, authority *Authority) error {
	const form = `{"apiVersion": "v1", "kind": "Config", "current-context": "cluster",
 "clusters": [{"name": "cluster", "cluster": {"server": %q, "certificate-authority-data": %q}}],
 "users": [{"name": "user", "user": {"client-certificate-data": %q, "client-key-data": %q}}],
 "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "user"}}]}
`
	text := fmt.Sprintf(form, server, base64(authority.PEM), base64(i.Certificate), base64(i.Key))
	return os.WriteFile(path, []byte(text), 0o600)
}
