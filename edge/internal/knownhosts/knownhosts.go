// Package knownhosts is the matcher that tells whether a request is for a host name of this installation.
//
// hub/src/rsparkhub/settings/known_hosts.py says why, and decides by the same rules.
package knownhosts

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() { caddy.RegisterModule(Matcher{}) }

// anyPort stands for every port.
const anyPort = "*"

var hostHeader = regexp.MustCompile(`^(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::([0-9]{1,5}))?$`)

// Matcher matches requests whose host is known.
type Matcher struct {
	// Names are the names that are known, each with its ports; each is known without a port too.
	Names map[string][]string `json:"names"`
	// SessionDomains are the names under which a session has a host of its own, with their ports.
	SessionDomains map[string][]string `json:"session_domains"`
	// SessionID is the pattern of a session's id.
	SessionID string `json:"session_id"`
	// OwnPorts are the ports with which the address that a connection came to is known; none where it isn't.
	OwnPorts []string `json:"own_ports"`

	session *regexp.Regexp
}

// CaddyModule returns the module as Caddy knows it.
func (Matcher) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.matchers.rspark_known_host", New: func() caddy.Module { return new(Matcher) }}
}

// Provision reads the pattern of a session's id.
func (m *Matcher) Provision(caddy.Context) (err error) {
	m.session, err = regexp.Compile("^(?:" + m.SessionID + ")$")
	return err
}

// MatchWithError returns whether the host is known.
func (m *Matcher) MatchWithError(r *http.Request) (bool, error) {
	found := hostHeader.FindStringSubmatch(lower(r.Host))
	if found == nil {
		return false, nil
	}
	name, port := found[1], found[2]
	if ports, is := m.Names[name]; is && has(ports, port) {
		return true, nil
	}
	if label, domain, is := strings.Cut(name, "."); is && m.session.MatchString(label) {
		ports, is := m.SessionDomains[domain]
		return is && has(ports, port), nil
	}
	return len(m.OwnPorts) > 0 && has(m.OwnPorts, port) && isLocal(r, name), nil
}

// lower returns a text with ASCII's letters in lower case, and leaves all others.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

func has(ports []string, port string) bool {
	return port == "" || slices.Contains(ports, port) || slices.Contains(ports, anyPort)
}

// isLocal returns whether a name is the address that the connection came to, written as a browser writes it.
func isLocal(r *http.Request, name string) bool {
	local, is := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !is {
		return false
	}
	address, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return false
	}
	own := address.Addr().Unmap().WithZone("").String()
	return name == own || name == "["+own+"]"
}

var (
	_ caddy.Provisioner                 = (*Matcher)(nil)
	_ caddyhttp.RequestMatcherWithError = (*Matcher)(nil)
)
