package forwardauth

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// recheckAfter is how long a request goes on without the hub being asked again whether it may, also where nothing was notified.
	recheckAfter = 30 * time.Second
	// recheckEach is how often it is looked for those.
	recheckEach = 5 * time.Second
	// notifiedFor is how long a key is remembered that the hub named: who is let in by an older answer is asked about again.
	notifiedFor = 2 * answerTimeout
	// mostOpen is the most requests of one person that go on at a time: a browser with twenty pages of JupyterLab has a hundred. Each
	// takes two of the edge's descriptors, of which there are some ten thousands for everybody.
	mostOpen = 400
)

var errTooMany = errors.New("this person has too many requests open")

// open is a request that was let in and has not ended: a websocket, a stream, a download, or any other one. The first of its keys is
// the person's who asked.
type open struct {
	uri     string
	key     request
	keys    []string
	checked time.Time
	end     context.CancelFunc
}

// openRequests holds the requests that go on, by the keys of their grants.
type openRequests struct {
	mu       sync.Mutex
	all      map[*open]struct{}
	byKey    map[string]map[*open]struct{}
	notified map[string]time.Time
}

func newOpenRequests() *openRequests {
	return &openRequests{all: map[*open]struct{}{}, byKey: map[string]map[*open]struct{}{}, notified: map[string]time.Time{}}
}

// add notes a request that was let in by an answer to what was asked at a time; it returns whether the hub has named a key of its
// grant since, so that it must be asked again. It notes none beyond mostOpen of a person, and returns errTooMany.
func (o *openRequests) add(one *open, asked time.Time) (again bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(one.keys) > 0 && len(o.byKey[one.keys[0]]) >= mostOpen {
		return false, errTooMany
	}
	o.all[one] = struct{}{}
	for _, key := range one.keys {
		with := o.byKey[key]
		if with == nil {
			with = map[*open]struct{}{}
			o.byKey[key] = with
		}
		with[one] = struct{}{}
		again = again || o.notified[key].After(asked)
	}
	return again, nil
}

// remove forgets a request that has ended.
func (o *openRequests) remove(one *open) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, one)
	for _, key := range one.keys {
		delete(o.byKey[key], one)
		if len(o.byKey[key]) == 0 {
			delete(o.byKey, key)
		}
	}
}

// notify notes that the hub has named a key, and returns the requests with it.
func (o *openRequests) notify(key string, now time.Time) []*open {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notified[key] = now
	for other, when := range o.notified {
		if now.Sub(when) > notifiedFor {
			delete(o.notified, other)
		}
	}
	return o.take(o.byKey[key], now)
}

// due returns the requests about which the hub was not asked for a while, and counts them as asked.
func (o *openRequests) due(after time.Duration, now time.Time) []*open {
	o.mu.Lock()
	defer o.mu.Unlock()
	old := map[*open]struct{}{}
	for one := range o.all {
		if now.Sub(one.checked) >= after {
			old[one] = struct{}{}
		}
	}
	return o.take(old, now)
}

func (o *openRequests) take(which map[*open]struct{}, now time.Time) []*open {
	found := make([]*open, 0, len(which))
	for one := range which {
		one.checked = now
		found = append(found, one)
	}
	return found
}

// recheck asks the hub about requests that go on, and ends those that no longer may. Equal ones are asked about once. Without an
// answer they go on, and are asked about again later.
func (c *client) recheck(requests []*open) {
	groups := map[flight][]*open{}
	for _, one := range requests {
		group := flight{sessionOf(one.uri), one.key}
		groups[group] = append(groups[group], one)
	}
	for _, group := range groups {
		go func() {
			if c.mayGoOn(group[0]) {
				return
			}
			for _, one := range group {
				one.end()
			}
		}()
	}
}

// mayGoOn asks the hub about one request; it returns false only when the hub said so.
func (c *client) mayGoOn(one *open) bool {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	connected, err := c.connect(ctx, time.Now().Add(answerTimeout))
	if err != nil {
		return true
	}
	asked, err := connected.sendRecheck(one.uri, one.key)
	if err != nil {
		return true
	}
	select {
	case <-ctx.Done():
		return true
	case <-asked.done:
	}
	good := asked.answer.good
	return good == nil || *good
}

// watch asks about open requests every now and then, until the client ends.
func (c *client) watch() {
	ticker := time.NewTicker(recheckEach)
	defer ticker.Stop()
	for {
		select {
		case <-c.ended:
			return
		case now := <-ticker.C:
			c.recheck(c.open.due(recheckAfter, now))
		}
	}
}
