package forwardauth

import (
	"sync"
	"time"
)

// maxGrants is the most grants that are cached at a time; some 10 MB with long cookies.
const maxGrants = 10_000

// maxLifetime is the longest that a grant is cached, whatever the hub says.
const maxLifetime = time.Second

// grant is the hub's word that a request may go to an upstream, with the session's secret.
type grant struct {
	upstream string
	secret   string
	// sandboxed says that what comes back must not act in a browser, since it comes under the hub's own name.
	sandboxed bool
	// keys are those under which the hub tells that who asked may no longer be let in; asked is when the hub was asked.
	keys  []string
	asked time.Time
	// ends is when who asked may no longer be let in by itself; zero where nobody knows of such a time.
	ends time.Time
}

// cache holds the grants that one connection to the hub brought; it ends with that connection.
//
//   - A grant is returned until the time that the hub set for it, and for at most a second.
//   - What is forgotten is never returned again.
//   - It never holds more than maxGrants grants, and none for much longer than it is good.
type cache struct {
	mu       sync.RWMutex
	sessions map[string]map[request]cached
	size     int
	sweeping bool
}

type cached struct {
	grant *grant
	until time.Time
}

func newCache() *cache { return &cache{sessions: map[string]map[request]cached{}} }

// get returns a grant that is still good, or nil.
func (c *cache) get(session string, key request, now time.Time) *grant {
	c.mu.RLock()
	found, is := c.sessions[session][key]
	c.mu.RUnlock()
	if !is || !now.Before(found.until) {
		return nil
	}
	return found.grant
}

// put stores a grant until a time; one that is over by now is not stored.
func (c *cache) put(session string, key request, given *grant, until, now time.Time) {
	if !now.Before(until) || key.size() > maxKey {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size >= maxGrants {
		c.sessions, c.size = map[string]map[request]cached{}, 0 // the hub is asked again, which is all that is lost
	}
	grants := c.sessions[session]
	if grants == nil {
		grants = map[request]cached{}
		c.sessions[session] = grants
	}
	before := len(grants)
	grants[key] = cached{given, until}
	c.size += len(grants) - before
	if !c.sweeping {
		c.sweeping = true
		time.AfterFunc(maxLifetime, c.sweep)
	}
}

// forget drops the grants of a session.
func (c *cache) forget(session string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size -= len(c.sessions[session])
	delete(c.sessions, session)
}

// forgetAll drops every grant.
func (c *cache) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions, c.size = map[string]map[request]cached{}, 0
}

// sweep drops what is over, and comes again for as long as anything is left.
func (c *cache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	for session, grants := range c.sessions {
		for key, one := range grants {
			if !now.Before(one.until) {
				delete(grants, key)
				c.size--
			}
		}
		if len(grants) == 0 {
			delete(c.sessions, session)
		}
	}
	c.sweeping = c.size > 0
	if c.sweeping {
		time.AfterFunc(maxLifetime, c.sweep)
	}
}
