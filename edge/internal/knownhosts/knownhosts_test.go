package knownhosts

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

func matcher(t *testing.T) *Matcher {
	t.Helper()
	own := []string{"8000"}
	m := &Matcher{
		Names:          map[string][]string{"localhost": own, "127.0.0.1": own, "[::1]": own},
		SessionDomains: map[string][]string{"localhost": own},
		SessionID:      "[abcdefghjkmnpqrstuvwxyz][abcdefghjkmnpqrstuvwxyz23456789]{9}",
	}
	if err := m.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	return m
}

func matches(t *testing.T, m *Matcher, host string, local string) bool {
	t.Helper()
	r := (&http.Request{Host: host}).WithContext(context.Background())
	if local != "" {
		address, err := net.ResolveTCPAddr("tcp", local)
		if err != nil {
			t.Fatal(err)
		}
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(address)))
	}
	found, err := m.MatchWithError(r)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The table is that of hub/tests/test_known_hosts.py.
func TestTheTable(t *testing.T) {
	text, err := os.ReadFile("testdata/hosts.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct{ Known, Unknown []string }
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	m := matcher(t)
	for _, host := range table.Known {
		if !matches(t, m, host, "127.0.0.1:8000") {
			t.Errorf("%q is not known", host)
		}
	}
	for _, host := range table.Unknown {
		if matches(t, m, host, "127.0.0.1:8000") {
			t.Errorf("%q is known", host)
		}
	}
}

func TestTheAddressThatAConnectionCameToIsKnownWhereItIsSaid(t *testing.T) {
	m := matcher(t)
	if matches(t, m, "192.0.2.7:8000", "192.0.2.7:8000") {
		t.Error("known, without being said")
	}
	m.OwnPorts = []string{"8000"}
	for host, known := range map[string]bool{
		"192.0.2.7:8000": true, "192.0.2.7": true, "192.0.2.7:1": false, "192.0.2.8:8000": false, "192.0.2.7.": false,
	} {
		if matches(t, m, host, "192.0.2.7:8000") != known {
			t.Errorf("%q: known is not %v", host, known)
		}
	}
	if !matches(t, m, "[2001:db8::7]:8000", "[2001:db8::7]:8000") || matches(t, m, "[2001:db8:0::7]:8000", "[2001:db8::7]:8000") {
		t.Error("an address of IPv6 is known as browsers write it, and otherwise not")
	}
}
