package pki

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
)

func TestAServersCertificateHoldsForItsNamesAndNoOthers(t *testing.T) {
	authority, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	identity, err := authority.Sign("server", nil, "127.0.0.1", "kubernetes.default.svc")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(identity.Certificate, identity.Key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM)
	for name, good := range map[string]bool{"127.0.0.1": true, "kubernetes.default.svc": true, "elsewhere": false} {
		_, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
		if (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnotherClustersAuthorityIsNotBelieved(t *testing.T) {
	ours, _ := NewAuthority()
	theirs, _ := NewAuthority()
	identity, err := theirs.Sign("admin", []string{"system:masters"})
	if err != nil {
		t.Fatal(err)
	}
	pair, _ := tls.X509KeyPair(identity.Certificate, identity.Key)
	certificate, _ := x509.ParseCertificate(pair.Certificate[0])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ours.PEM)
	if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err == nil {
		t.Error("it was believed")
	}
}
