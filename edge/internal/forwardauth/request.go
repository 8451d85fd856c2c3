package forwardauth

import (
	"net/http"
	"net/url"
	"strings"
)

// maxKey is the longest request in bytes, without its URI, whose grant is cached; a browser's are a few hundred.
const maxKey = 2048

// maxCookie is the longest value of a cookie of ours that is sent to the hub, in bytes; the hub makes none half as long.
const maxCookie = 256

// maxTokens is the most tokens in one query that are sent to the hub.
const maxTokens = 4

// request is a forward-auth request: what the hub reads of a request to decide on it, and nothing else.
//
// Apart from the URI it is the key under which a grant is cached, so a grant is never given to a request that the hub could
// have answered otherwise.
type request struct {
	Method        string `json:"method"`
	Host          string `json:"host"`
	HTML          bool   `json:"html,omitempty"` // whether the client says that it accepts HTML
	Upgrade       string `json:"upgrade,omitempty"`
	Origin        string `json:"origin,omitempty"`
	FetchSite     string `json:"fetch_site,omitempty"`
	FetchMode     string `json:"fetch_mode,omitempty"`
	FetchDest     string `json:"fetch_dest,omitempty"`
	Cookie        string `json:"cookie,omitempty"` // our own cookies alone
	Authorization string `json:"authorization,omitempty"`
	Token         string `json:"token,omitempty"` // of the query, several with a space between them
}

// newRequest reads what the hub decides on. It returns the Cookie header without our own cookies too.
func newRequest(r *http.Request, own map[string]struct{}) (request, string) {
	ours, others := splitCookies(r.Header["Cookie"], own)
	return request{
		Method:        r.Method,
		Host:          latin1(r.Host),
		HTML:          acceptsHTML(r.Header["Accept"]),
		Upgrade:       field(r.Header, "Upgrade"),
		Origin:        field(r.Header, "Origin"),
		FetchSite:     field(r.Header, "Sec-Fetch-Site"),
		FetchMode:     field(r.Header, "Sec-Fetch-Mode"),
		FetchDest:     field(r.Header, "Sec-Fetch-Dest"),
		Cookie:        latin1(ours),
		Authorization: field(r.Header, "Authorization"),
	}, others
}

// size returns the bytes that the request takes as a key.
func (r *request) size() int {
	return len(r.Method) + len(r.Host) + len(r.Upgrade) + len(r.Origin) + len(r.FetchSite) + len(r.FetchMode) + len(r.FetchDest) +
		len(r.Cookie) + len(r.Authorization) + len(r.Token)
}

// takeTokens removes the parameter `token` from the query of a URL, and returns its values with a space between them: it is a
// credential, for the hub alone. All else of the query stays as it was sent.
func takeTokens(u *url.URL) string {
	if !strings.Contains(u.RawQuery, "=") {
		return ""
	}
	var tokens, rest []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err != nil || decoded != "token" {
			rest = append(rest, pair)
			continue
		}
		if decoded, err := url.QueryUnescape(value); err == nil && decoded != "" && len(tokens) < maxTokens {
			tokens = append(tokens, latin1(strings.ReplaceAll(decoded, " ", "+")))
		}
	}
	if len(rest) < strings.Count(u.RawQuery, "&")+1 {
		u.RawQuery, u.ForceQuery = strings.Join(rest, "&"), false
	}
	return strings.Join(tokens, " ")
}

// cacheableSession returns the session that a URI names, when a grant for one such URI is a grant for all of them: `/s/`,
// the session's id, and a path that has one reading only. It returns "" for a URI about which the hub is always asked.
func cacheableSession(uri string) string {
	rest, found := strings.CutPrefix(uri, "/s/")
	if !found {
		return ""
	}
	session, path, found := strings.Cut(rest, "/")
	if !found || !isSessionID(session) {
		return ""
	}
	path, _, _ = strings.Cut(path, "?")
	if strings.HasPrefix(path, ".") || strings.Contains(path, "/.") || strings.ContainsAny(path, `%\`) {
		return ""
	}
	return session
}

// sessionOf returns the session that a URI names; "" where it names none.
func sessionOf(uri string) string {
	rest, found := strings.CutPrefix(uri, "/s/")
	if !found {
		return ""
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	return rest[:end]
}

func isSessionID(id string) bool {
	if len(id) == 0 || len(id) > 41 || id[0] < 'a' || id[0] > 'z' {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// splitCookies returns our own cookies as `name=value` with `; ` between them, and the header without them.
func splitCookies(lines []string, own map[string]struct{}) (ours, others string) {
	var mine, rest []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			name, value, _ := strings.Cut(pair, "=")
			name = strings.TrimSpace(name)
			if !isOwn(name, own) {
				if pair != "" {
					rest = append(rest, pair)
				}
				continue
			}
			if value = strings.Trim(strings.TrimSpace(value), `"`); value != "" && len(value) <= maxCookie {
				mine = append(mine, name+"="+value)
			}
		}
	}
	return strings.Join(mine, "; "), strings.Join(rest, "; ")
}

// isOwn returns whether a cookie is ours: a browser sends those of every hub of the host, which have its port in their names.
func isOwn(name string, own map[string]struct{}) bool {
	if base, port, found := strings.Cut(name, "-"); found && port != "" && strings.Trim(port, "0123456789") == "" {
		name = base
	}
	_, is := own[name]
	return is
}

func acceptsHTML(values []string) bool {
	for _, value := range values {
		if strings.Contains(value, "text/html") {
			return true
		}
	}
	return false
}

// field returns the values of a header field as one line.
func field(header http.Header, name string) string {
	values := header[name]
	switch len(values) {
	case 0:
		return ""
	case 1:
		return latin1(values[0])
	}
	return latin1(strings.Join(values, ", "))
}

// latin1 returns bytes as text, each byte a character, as HTTP's header fields are read.
func latin1(bytes string) string {
	for i := range len(bytes) {
		if bytes[i] < 0x80 {
			continue
		}
		runes := make([]rune, 0, len(bytes))
		for j := range len(bytes) {
			runes = append(runes, rune(bytes[j]))
		}
		return string(runes)
	}
	return bytes
}

// rawBytes returns the bytes of which latin1 made text.
func rawBytes(text string) string {
	raw := make([]byte, 0, len(text))
	for _, character := range text {
		raw = append(raw, byte(character))
	}
	return string(raw)
}
