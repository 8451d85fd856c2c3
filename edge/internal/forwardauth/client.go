package forwardauth

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// reconnectFor is how long a hub that does not answer is waited for: one that starts again takes a second or two.
	reconnectFor  = 3 * time.Second
	reconnectEach = 50 * time.Millisecond
	// answerTimeout is how long a request waits for its answer, with everything that is tried meanwhile.
	answerTimeout = 30 * time.Second
)

// client asks one hub, over one connection at a time, which it makes when there is something to ask.
type client struct {
	socket  string
	current atomic.Pointer[connection]
	dialing sync.Mutex
	open    *openRequests
	ended   chan struct{}
}

func newClient(socket string) *client {
	c := &client{socket: socket, open: newOpenRequests(), ended: make(chan struct{})}
	go c.watch()
	return c
}

// Destruct ends the connection; Caddy calls it when no handler uses the client any more.
func (c *client) Destruct() error {
	close(c.ended)
	if connected := c.current.Swap(nil); connected != nil {
		return connected.conn.Close()
	}
	return nil
}

// ask returns the hub's answer, and whether it is one that was given before.
//
// It returns an error when the hub can't be reached for reconnectFor, or the context ends.
func (c *client) ask(ctx context.Context, uri string, key request) (said answer, repeated bool, err error) {
	session := cacheableSession(uri)
	if connected := c.current.Load(); session != "" && connected != nil {
		if known := connected.grants.get(session, key, time.Now()); known != nil {
			return answer{grant: known}, true, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	alone := false
	until := time.Now().Add(reconnectFor)
	for {
		connected, err := c.connect(ctx, until)
		if err != nil {
			return answer{}, false, err
		}
		asked, joined, err := connected.send(uri, session, key, alone)
		if err != nil {
			<-connected.lost
			until = time.Now().Add(reconnectFor)
			continue
		}
		select {
		case <-ctx.Done():
			return answer{}, false, ctx.Err()
		case <-asked.done:
		}
		switch {
		case asked.answer == answer{}: // the hub went away while it was asked
			until = time.Now().Add(reconnectFor)
		case !joined:
			return asked.answer, false, nil
		default:
			// A grant may be repeated while it is good. Anything else was said about another URI, or at another time.
			if known := connected.grants.get(session, key, time.Now()); known != nil {
				return answer{grant: known}, true, nil
			}
			alone = true
		}
	}
}

// connect returns the connection that there is, or makes one, and tries until a time.
func (c *client) connect(ctx context.Context, until time.Time) (*connection, error) {
	if connected := c.living(); connected != nil {
		return connected, nil
	}
	c.dialing.Lock()
	defer c.dialing.Unlock()
	for {
		if connected := c.living(); connected != nil {
			return connected, nil
		}
		conn, err := net.DialTimeout("unix", c.socket, reconnectFor)
		if err == nil {
			again := c.current.Load() != nil
			connected := newConnection(conn, c)
			c.current.Store(connected)
			if again { // what the hub has named meanwhile was lost
				go c.recheck(c.open.due(0, time.Now()))
			}
			return connected, nil
		}
		if time.Now().After(until) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(reconnectEach): // nothing says when a socket is there but trying
		}
	}
}

// living returns the current connection unless it was lost.
func (c *client) living() *connection {
	connected := c.current.Load()
	if connected == nil {
		return nil
	}
	select {
	case <-connected.lost:
		return nil
	default:
		return connected
	}
}
