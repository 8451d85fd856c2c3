// Package forwardauth is the handler that asks the hub about each request to a session: who is asking, may they, and where to?
//
// A request that goes on, as a websocket does, is asked about again when the hub says that what let it in may have been taken away,
// and every half minute; one that no longer may is ended.
//
// It asks over a Unix socket, one JSON line each way, many at a time on one connection. A grant is repeated to equal requests
// until the time that the hub set, which is at most the end of the second of the clock in which it was looked up; what the hub
// says to forget is forgotten at once; and with the connection everything that came by it is gone.
package forwardauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() { caddy.RegisterModule(Handler{}) }

// The variables of a request that the handler sets for those after it.
const (
	stageVar    = "rspark_stage" // who is spoken to; the error routes say which of them did not answer, or that it is too many
	upstreamVar = "rspark_upstream"
	secretVar   = "rspark_secret"
)

var clients = caddy.NewUsagePool()

// Handler asks the hub, and lets a request pass to the next handler or answers it with what the hub said.
//
// The next handler finds the upstream and the session's secret in the variables `rspark_upstream` and `rspark_secret`. The
// request that it gets has no Authorization, no cookie of ours, and no parameter `token` in its query.
type Handler struct {
	// Socket is the path of the hub's Unix socket.
	Socket string `json:"socket"`
	// Cookies are the names of our own cookies, which only the hub may see.
	Cookies []string `json:"cookies"`
	// Sandbox are the header fields of an answer that must not act in a browser.
	Sandbox map[string]string `json:"sandbox"`

	own    map[string]struct{}
	client *client
}

// CaddyModule returns the module as Caddy knows it.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.rspark_forward_auth", New: func() caddy.Module { return new(Handler) }}
}

// Provision finds the client of the socket, which all handlers share.
func (h *Handler) Provision(caddy.Context) error {
	if h.Socket == "" {
		return errors.New("rspark_forward_auth needs the hub's socket")
	}
	h.own = make(map[string]struct{}, len(h.Cookies))
	for _, name := range h.Cookies {
		h.own[name] = struct{}{}
	}
	shared, _, err := clients.LoadOrNew(h.Socket, func() (caddy.Destructor, error) { return newClient(h.Socket), nil })
	if err != nil {
		return err
	}
	h.client = shared.(*client)
	return nil
}

// Cleanup gives the client back.
func (h *Handler) Cleanup() error {
	if h.client == nil {
		return nil
	}
	_, err := clients.Delete(h.Socket)
	return err
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	ctx := r.Context()
	caddyhttp.SetVar(ctx, stageVar, "question")
	tokens := ""
	if strings.HasPrefix(r.URL.Path, "/s/") {
		tokens = takeTokens(r.URL)
	}
	asked, cookies := newRequest(r, h.own)
	asked.Token = tokens
	said, repeated, err := h.client.ask(ctx, r.URL.RequestURI(), asked)
	if err != nil {
		return caddyhttp.Error(http.StatusServiceUnavailable, err)
	}
	if said.response != nil {
		return respond(w, r, said.response)
	}
	caddyhttp.SetVar(ctx, stageVar, "session")
	caddyhttp.SetVar(ctx, upstreamVar, said.grant.upstream)
	caddyhttp.SetVar(ctx, secretVar, said.grant.secret)
	if repeated {
		caddyhttp.SetVar(ctx, caddyhttp.LogSkipVar, true)
	}
	delete(r.Header, "Authorization")
	if cookies == "" {
		delete(r.Header, "Cookie")
	} else {
		r.Header["Cookie"] = []string{cookies}
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	if ends := said.grant.ends; !ends.IsZero() {
		defer time.AfterFunc(time.Until(ends), end).Stop()
	}
	going := &open{uri: r.URL.RequestURI(), key: asked, keys: said.grant.keys, checked: time.Now(), end: end}
	again, err := h.client.open.add(going, said.grant.asked)
	if err != nil {
		caddyhttp.SetVar(ctx, stageVar, "too many")
		return caddyhttp.Error(http.StatusTooManyRequests, err)
	}
	defer h.client.open.remove(going)
	if again {
		h.client.recheck([]*open{going})
	}
	r = r.WithContext(ctx)
	if said.grant.sandboxed {
		w = &sandboxed{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}, headers: h.Sandbox}
	}
	return next.ServeHTTP(w, r)
}

// respond gives the client the hub's answer as it is.
func respond(w http.ResponseWriter, r *http.Request, said *message) error {
	if err := said.validate(); err != nil {
		return caddyhttp.Error(http.StatusServiceUnavailable, err)
	}
	for name, value := range said.Headers {
		w.Header().Set(name, rawBytes(value))
	}
	w.WriteHeader(said.Status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, err := w.Write([]byte(said.Body))
	return err
}

// sandboxed sets header fields on what comes back, over those that the session set.
type sandboxed struct {
	*caddyhttp.ResponseWriterWrapper
	headers map[string]string
	wrote   bool
}

func (s *sandboxed) WriteHeader(status int) {
	if !s.wrote {
		s.wrote = status >= 200 || status == http.StatusSwitchingProtocols
		for name, value := range s.headers {
			s.Header().Set(name, value)
		}
	}
	s.ResponseWriterWrapper.WriteHeader(status)
}

func (s *sandboxed) Write(piece []byte) (int, error) {
	if !s.wrote {
		s.WriteHeader(http.StatusOK)
	}
	return s.ResponseWriterWrapper.Write(piece)
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
)
