package forwardauth

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// maxLine is the longest line in bytes that either side writes: a request's header has 64 KiB, a page of the hub's a few.
const maxLine = 1 << 20

// writeTimeout is how long the hub may take to read a question before it is taken for dead.
const writeTimeout = 5 * time.Second

var errLost = errors.New("the connection to the hub was lost")

// question is one line to the hub; the hub's answer has the same id.
type question struct {
	ID      uint64 `json:"id"`
	URI     string `json:"uri"`
	Recheck bool   `json:"recheck,omitempty"`
	request
}

// message is one line from the hub: the answer to a question, the session of which all grants are to be forgotten, or the key of
// what may have been taken away.
//
// An answer has an Upstream when the request may pass; KeepMS is for how long the grant may be repeated, in milliseconds
// from when the question was sent, and EndsMS, where it is there, when the request ends by itself, from then too. Any other answer is a response that the client gets as it is.
type message struct {
	ID        uint64            `json:"id"`
	Upstream  string            `json:"upstream"`
	Secret    string            `json:"secret"`
	Sandboxed bool              `json:"sandboxed"`
	KeepMS    float64           `json:"keep_ms"`
	EndsMS    *float64          `json:"ends_ms"`
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body"`
	Forget    string            `json:"forget"`
	Keys      []string          `json:"keys"`
	Recheck   string            `json:"recheck"`
	Good      *bool             `json:"good"`
}

// answer is what the hub said: a grant, a response for the client, or whether a request may go on.
type answer struct {
	grant    *grant
	response *message
	good     *bool
}

// pending is a question that was sent. Its answer may be read once done is closed; an answer of neither kind means that the
// connection was lost.
type pending struct {
	session string // "" when the grant is not to be cached
	key     request
	sent    time.Time
	done    chan struct{}
	answer  answer
}

// connection is one connection to the hub, with the grants that came by it. Many questions wait on it at a time.
//
// The hub's lines are handled in the order in which they were written. So what the hub says to forget is forgotten before
// anything that it said later is cached, and an answer from before never outlives it.
type connection struct {
	conn   net.Conn
	client *client
	grants *cache
	lost   chan struct{} // closed when it has ended

	writing sync.Mutex

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]*pending
	shared  map[flight]*pending // those that equal questions may wait for
}

// flight is what makes two questions equal.
type flight struct {
	session string
	key     request
}

func newConnection(conn net.Conn, of *client) *connection {
	c := &connection{
		conn:    conn,
		client:  of,
		grants:  newCache(),
		lost:    make(chan struct{}),
		waiting: map[uint64]*pending{},
		shared:  map[flight]*pending{},
	}
	go c.read()
	return c
}

// send asks the hub. A question of which an equal one is under way is not sent; joined says so.
func (c *connection) send(uri, session string, key request, alone bool) (sent *pending, joined bool, err error) {
	c.mu.Lock()
	if session != "" && !alone {
		if other := c.shared[flight{session, key}]; other != nil {
			c.mu.Unlock()
			return other, true, nil
		}
	}
	c.next++
	id := c.next
	sent = &pending{session: session, key: key, sent: time.Now(), done: make(chan struct{})}
	c.waiting[id] = sent
	if session != "" && !alone {
		c.shared[flight{session, key}] = sent
	}
	c.mu.Unlock()
	if err := c.write(question{ID: id, URI: latin1(uri), request: key}); err != nil {
		c.conn.Close() // the reader ends, and with it every question
		return nil, false, err
	}
	return sent, false, nil
}

// sendRecheck asks the hub whether a request that it let in may go on.
func (c *connection) sendRecheck(uri string, key request) (*pending, error) {
	sent := &pending{sent: time.Now(), done: make(chan struct{})}
	c.mu.Lock()
	c.next++
	id := c.next
	c.waiting[id] = sent
	c.mu.Unlock()
	if err := c.write(question{ID: id, URI: latin1(uri), Recheck: true, request: key}); err != nil {
		c.conn.Close() // the reader ends, and with it every question
		return nil, err
	}
	return sent, nil
}

func (c *connection) write(asked question) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(asked); err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(line.Bytes())
	return err
}

// read handles the hub's lines until the connection ends.
func (c *connection) read() {
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(make([]byte, 0, 16<<10), maxLine)
	for lines.Scan() {
		var said message
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			break // whoever speaks otherwise is not the hub
		}
		c.hear(&said)
	}
	c.conn.Close()
	close(c.lost)
	c.grants.forgetAll()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.waiting {
		close(one.done)
	}
	clear(c.waiting)
	clear(c.shared)
}

func (c *connection) hear(said *message) {
	if said.Forget != "" {
		c.grants.forget(said.Forget)
		return
	}
	if said.Recheck != "" {
		c.grants.forgetAll()
		c.client.recheck(c.client.open.notify(said.Recheck, time.Now()))
		return
	}
	c.settle(said)
}

func (c *connection) settle(said *message) {
	c.mu.Lock()
	asked := c.waiting[said.ID]
	delete(c.waiting, said.ID)
	if asked != nil && c.shared[flight{asked.session, asked.key}] == asked {
		delete(c.shared, flight{asked.session, asked.key})
	}
	c.mu.Unlock()
	if asked == nil {
		return
	}
	switch {
	case said.Good != nil:
		asked.answer.good = said.Good
	case said.Upstream == "":
		asked.answer.response = said
	default:
		given := &grant{
			upstream: said.Upstream, secret: said.Secret, sandboxed: said.Sandboxed, keys: said.Keys, asked: asked.sent,
		}
		if said.EndsMS != nil {
			given.ends = asked.sent.Add(time.Duration(*said.EndsMS * float64(time.Millisecond)))
		}
		asked.answer.grant = given
		if asked.session != "" {
			lifetime := min(time.Duration(said.KeepMS*float64(time.Millisecond)), maxLifetime)
			c.grants.put(asked.session, asked.key, given, asked.sent.Add(lifetime), time.Now())
		}
	}
	close(asked.done)
}

func (m *message) validate() error {
	if m.Status < 200 || m.Status > 599 {
		return fmt.Errorf("the hub answered with status %d", m.Status)
	}
	return nil
}
