package forwardauth

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var own = map[string]struct{}{
	"rsparkhub": {}, "__Host-rsparkhub": {}, "rspark_session": {}, "__Host-rspark_session": {},
}

// hub is a stand-in for the hub: it answers by a function, and says what it is told to say.
type hub struct {
	t        *testing.T
	socket   string
	listener net.Listener
	answer   func(question) string
	asked    atomic.Int64

	mu    sync.Mutex
	conns []net.Conn
}

func startHub(t *testing.T, socket string, answer func(question) string) *hub {
	t.Helper()
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	h := &hub{t: t, socket: socket, listener: listener, answer: answer}
	go h.serve()
	t.Cleanup(h.stop)
	return h
}

func (h *hub) serve() {
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			return
		}
		h.mu.Lock()
		h.conns = append(h.conns, conn)
		h.mu.Unlock()
		go h.talk(conn)
	}
}

func (h *hub) talk(conn net.Conn) {
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			h.t.Errorf("the edge wrote %q: %v", lines.Bytes(), err)
			return
		}
		h.asked.Add(1)
		go func() {
			if said := h.answer(asked); said != "" {
				fmt.Fprintf(conn, `{"id":%d,%s}`+"\n", asked.ID, said)
			}
		}()
	}
}

func (h *hub) say(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, conn := range h.conns {
		fmt.Fprintln(conn, line)
	}
}

func (h *hub) stop() {
	h.listener.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, conn := range h.conns {
		conn.Close()
	}
	h.conns = nil
}

func socketPath(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "edge") // t.TempDir's paths can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return filepath.Join(folder, "hub.sock")
}

func allow(keepMS int) string {
	return fmt.Sprintf(`"upstream":"10.0.0.1:80","secret":"s3cret","keep_ms":%d`, keepMS)
}

func always(said string) func(question) string { return func(question) string { return said } }

func testClient(t *testing.T, socket string) *client {
	t.Helper()
	c := newClient(socket)
	t.Cleanup(func() { _ = c.Destruct() })
	return c
}

var key = request{Method: "GET", Host: "hub", Cookie: "rsparkhub=x"}

func mustAsk(t *testing.T, c *client, uri string, key request) (answer, bool) {
	t.Helper()
	said, repeated, err := c.ask(context.Background(), uri, key)
	if err != nil {
		t.Fatal(err)
	}
	return said, repeated
}

func TestAGrantIsRepeatedWhileItIsGoodAndNoLonger(t *testing.T) {
	h := startHub(t, socketPath(t), always(allow(150)))
	c := testClient(t, h.socket)
	said, repeated := mustAsk(t, c, "/s/abc/x", key)
	if repeated || said.grant == nil || said.grant.upstream != "10.0.0.1:80" || said.grant.secret != "s3cret" {
		t.Fatalf("got %+v, repeated %v", said, repeated)
	}
	if _, repeated := mustAsk(t, c, "/s/abc/y/z?q", key); !repeated {
		t.Fatal("it was asked again within its time")
	}
	time.Sleep(160 * time.Millisecond) // that the time is over is what is tested
	if _, repeated := mustAsk(t, c, "/s/abc/x", key); repeated {
		t.Fatal("it was repeated after its time")
	}
}

func TestAGrantIsNeverRepeatedForLongerThanASecond(t *testing.T) {
	grants, now := newCache(), time.Now()
	c := &connection{grants: grants, waiting: map[uint64]*pending{}, shared: map[flight]*pending{}}
	c.waiting[1] = &pending{session: "abc", key: key, sent: now, done: make(chan struct{})}
	c.hear(&message{ID: 1, Upstream: "10.0.0.1:80", KeepMS: 1e9})
	if grants.get("abc", key, now.Add(999*time.Millisecond)) == nil || grants.get("abc", key, now.Add(time.Second)) != nil {
		t.Fatal("its time is not one second")
	}
}

func TestItsTimeBeginsWhenItWasAskedFor(t *testing.T) {
	h := startHub(t, socketPath(t), func(question) string {
		time.Sleep(120 * time.Millisecond)
		return allow(100)
	})
	c := testClient(t, h.socket)
	for range 2 {
		if _, repeated := mustAsk(t, c, "/s/abc/x", key); repeated {
			t.Fatal("an answer that took longer than it is good for was repeated")
		}
	}
}

func TestWhatTheHubSaysNotToKeepIsAskedEachTime(t *testing.T) {
	h := startHub(t, socketPath(t), always(allow(0)))
	c := testClient(t, h.socket)
	for range 3 {
		mustAsk(t, c, "/s/abc/x", key)
	}
	if got := h.asked.Load(); got != 3 {
		t.Fatalf("asked %d times", got)
	}
}

func TestAGrantIsForAnEqualRequestAlone(t *testing.T) {
	h := startHub(t, socketPath(t), always(allow(1000)))
	c := testClient(t, h.socket)
	mustAsk(t, c, "/s/abc/x", key)
	others := map[string]func(*request){
		"method":        func(r *request) { r.Method = "POST" },
		"host":          func(r *request) { r.Host = "other" },
		"html":          func(r *request) { r.HTML = true },
		"upgrade":       func(r *request) { r.Upgrade = "websocket" },
		"origin":        func(r *request) { r.Origin = "http://evil.example" },
		"fetch site":    func(r *request) { r.FetchSite = "cross-site" },
		"fetch mode":    func(r *request) { r.FetchMode = "cors" },
		"fetch dest":    func(r *request) { r.FetchDest = "iframe" },
		"cookie":        func(r *request) { r.Cookie = "rsparkhub=y" },
		"authorization": func(r *request) { r.Authorization = "Bearer x" },
	}
	for name, change := range others {
		other := key
		change(&other)
		if _, repeated := mustAsk(t, c, "/s/abc/x", other); repeated {
			t.Errorf("it was repeated to a request with another %s", name)
		}
	}
	if _, repeated := mustAsk(t, c, "/s/abd/x", key); repeated {
		t.Error("it was repeated for another session")
	}
}

func TestAPathWithTwoReadingsIsAlwaysAskedAbout(t *testing.T) {
	for _, uri := range []string{
		"/s/abc", "/s/abc?x", "/s/abc/..", "/s/abc/../abd/x", "/s/abc/./x", "/s/abc/%2e%2e/x", "/s/abc/..%2fx", `/s/abc/..\x`,
		"/s/abc/.hidden", "/s/Abc/x", "/s/1abc/x", "/s//abc/x", "//s/abc/x", "/x/s/abc/", "/enter?ticket=x", "/s/a%62c/x",
		"/s/" + strings.Repeat("a", 42) + "/x",
	} {
		if got := cacheableSession(uri); got != "" {
			t.Errorf("%s is taken for one about %s", uri, got)
		}
	}
	for _, uri := range []string{"/s/abc/", "/s/abc/x?y=%2e%2e/../z", "/s/abc//x", "/s/abc/a..b/c.d", "/s/abc/;x=1+2"} {
		if got := cacheableSession(uri); got != "abc" {
			t.Errorf("%s is taken for one about %q", uri, got)
		}
	}
}

func TestWhatIsNoGrantIsAskedEachTime(t *testing.T) {
	h := startHub(t, socketPath(t), always(`"status":401,"headers":{"X":"y"},"body":"no"`))
	c := testClient(t, h.socket)
	for range 3 {
		said, repeated := mustAsk(t, c, "/s/abc/x", key)
		if repeated || said.response == nil || said.response.Status != 401 || said.response.Body != "no" {
			t.Fatalf("got %+v, repeated %v", said, repeated)
		}
	}
	if got := h.asked.Load(); got != 3 {
		t.Fatalf("asked %d times", got)
	}
}

func TestWhatTheHubSaysToForgetIsAskedAgain(t *testing.T) {
	h := startHub(t, socketPath(t), always(allow(1000)))
	c := testClient(t, h.socket)
	mustAsk(t, c, "/s/abc/x", key)
	h.say(`{"forget":"abc"}`)
	within(t, func() bool { _, repeated := mustAsk(t, c, "/s/abc/x", key); return !repeated })
}

func TestWhatIsForgottenOfOneSessionStaysOfAnother(t *testing.T) {
	c, now := newCache(), time.Now()
	for _, session := range []string{"abc", "abd"} {
		c.put(session, key, &grant{}, now.Add(time.Second), now)
	}
	c.forget("abc")
	if c.get("abc", key, now) != nil || c.get("abd", key, now) == nil || c.size != 1 {
		t.Error("not just the one was forgotten")
	}
}

func TestNothingIsRepeatedOnceTheHubIsLost(t *testing.T) {
	h := startHub(t, socketPath(t), always(allow(1000)))
	c := testClient(t, h.socket)
	mustAsk(t, c, "/s/abc/x", key)
	connected := c.current.Load()
	h.stop()
	<-connected.lost
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if said, _, err := c.ask(ctx, "/s/abc/x", key); err == nil {
		t.Fatalf("it was answered %+v without a hub", said)
	}
}

func TestAHubThatStartsAgainIsWaitedFor(t *testing.T) {
	socket := socketPath(t)
	first := startHub(t, socket, always("")) // it never answers, and then dies
	c := testClient(t, socket)
	done := make(chan error, 1)
	go func() { _, _, err := c.ask(context.Background(), "/s/abc/x", key); done <- err }()
	within(t, func() bool { return first.asked.Load() == 1 })
	first.stop()
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	startHub(t, socket, always(allow(1000)))
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestAHubThatDoesNotComeBackIsAnError(t *testing.T) {
	c := testClient(t, socketPath(t))
	began := time.Now()
	if _, _, err := c.ask(context.Background(), "/s/abc/x", key); err == nil {
		t.Fatal("it was answered without a hub")
	}
	if took := time.Since(began); took < reconnectFor || took > 2*reconnectFor {
		t.Fatalf("it took %v", took)
	}
}

func TestEqualQuestionsAtTheSameTimeAreOne(t *testing.T) {
	goOn := make(chan struct{})
	h := startHub(t, socketPath(t), func(question) string { <-goOn; return allow(1000) })
	c := testClient(t, h.socket)
	var asking sync.WaitGroup
	for number := range 50 {
		asking.Go(func() {
			if said, _, err := c.ask(context.Background(), fmt.Sprintf("/s/abc/%d", number), key); err != nil || said.grant == nil {
				t.Errorf("got %+v, %v", said, err)
			}
		})
	}
	within(t, func() bool { return h.asked.Load() == 1 })
	time.Sleep(50 * time.Millisecond) // for those that are late; one that asked for itself would be counted
	close(goOn)
	asking.Wait()
	if got := h.asked.Load(); got != 1 {
		t.Fatalf("asked %d times", got)
	}
}

func TestARefusalIsForItsOwnPathAlone(t *testing.T) {
	h := startHub(t, socketPath(t), func(asked question) string {
		time.Sleep(20 * time.Millisecond)
		return fmt.Sprintf(`"status":302,"headers":{"Location":%q}`, asked.URI)
	})
	c := testClient(t, h.socket)
	var asking sync.WaitGroup
	for number := range 20 {
		asking.Go(func() {
			uri := fmt.Sprintf("/s/abc/%d", number)
			said, _, err := c.ask(context.Background(), uri, key)
			if err != nil || said.response == nil || said.response.Headers["Location"] != uri {
				t.Errorf("%s got %+v, %v", uri, said, err)
			}
		})
	}
	asking.Wait()
}

func TestAClientThatGoesAwayEndsItsOwnQuestionAlone(t *testing.T) {
	goOn := make(chan struct{})
	h := startHub(t, socketPath(t), func(question) string { <-goOn; return allow(1000) })
	c := testClient(t, h.socket)
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan error, 1)
	go func() { _, _, err := c.ask(ctx, "/s/abc/x", key); gone <- err }()
	within(t, func() bool { return h.asked.Load() == 1 })
	stays := make(chan error, 1)
	go func() { _, _, err := c.ask(context.Background(), "/s/abc/x", key); stays <- err }()
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(goOn)
	if err := <-stays; err != nil {
		t.Fatal(err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c, now := newCache(), time.Now()
	for number := range maxGrants + 10 {
		c.put(fmt.Sprintf("s%d", number), key, &grant{}, now.Add(time.Second), now)
	}
	if c.size > maxGrants || len(c.sessions) != c.size {
		t.Fatalf("%d grants of %d sessions", c.size, len(c.sessions))
	}
	long := key
	long.Origin = strings.Repeat("x", maxKey)
	c.put("long", long, &grant{}, now.Add(time.Second), now)
	if c.get("long", long, now) != nil {
		t.Fatal("a key without bounds was kept")
	}
}

func TestNoSecretIsLeftLyingWhenNobodyAsksAnyMore(t *testing.T) {
	c, now := newCache(), time.Now()
	c.put("abc", key, &grant{}, now.Add(50*time.Millisecond), now)
	within(t, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.size == 0 && len(c.sessions) == 0 && !c.sweeping
	})
}

func TestManyAtATime(t *testing.T) {
	h := startHub(t, socketPath(t), always(allow(5)))
	c := testClient(t, h.socket)
	stop := make(chan struct{})
	go func() {
		for number := 0; ; number++ {
			select {
			case <-stop:
				return
			default:
				h.say(fmt.Sprintf(`{"forget":"s%d"}`, number%5))
			}
		}
	}()
	var asking sync.WaitGroup
	for worker := range 16 {
		asking.Go(func() {
			for number := range 300 {
				uri := fmt.Sprintf("/s/s%d/x", (worker+number)%5)
				if said, _, err := c.ask(context.Background(), uri, key); err != nil || said.grant == nil {
					t.Errorf("got %+v, %v", said, err)
				}
			}
		})
	}
	asking.Wait()
	close(stop)
}

func TestOwnCookiesAreTakenOut(t *testing.T) {
	for _, one := range []struct{ header, ours, others string }{
		{"", "", ""},
		{"a=1; b=2", "", "a=1; b=2"},
		{"rsparkhub=x", "rsparkhub=x", ""},
		{"a=1;rsparkhub=x;b=2", "rsparkhub=x", "a=1; b=2"},
		{`a=1; rsparkhub=one; _xsrf="2|x=y"; __Host-rsparkhub=three; username-s1=b=c`,
			"rsparkhub=one; __Host-rsparkhub=three", `a=1; _xsrf="2|x=y"; username-s1=b=c`},
		{" rsparkhub = one; b=2", "rsparkhub=one", "b=2"},
		{`rsparkhub="x"; rspark_session=y`, "rsparkhub=x; rspark_session=y", ""},
		{"xrsparkhub=1; rsparkhub2=2; my-rspark_session=3", "", "xrsparkhub=1; rsparkhub2=2; my-rspark_session=3"},
		{"rsparkhub; =rsparkhub; rsparkhub=", "", "=rsparkhub"},
		{"rsparkhub=" + strings.Repeat("x", maxCookie+1) + "; a=1", "", "a=1"},
	} {
		if ours, others := splitCookies([]string{one.header}, own); ours != one.ours || others != one.others {
			t.Errorf("%q: %q and %q", one.header, ours, others)
		}
	}
	if ours, others := splitCookies([]string{"a=1; rsparkhub=x", "b=2; rsparkhub=y"}, own); ours != "rsparkhub=x; rsparkhub=y" || others != "a=1; b=2" {
		t.Errorf("two lines: %q and %q", ours, others)
	}
}

func TestBytesGoThereAndBack(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	if got := rawBytes(latin1(string(every))); got != string(every) {
		t.Fatalf("%q", got)
	}
	r := &http.Request{Method: "GET", Host: "hub", Header: http.Header{"Origin": {"a", "b"}, "Accept": {"x", "text/html"}}}
	if asked, _ := newRequest(r, own); asked.Origin != "a, b" || !asked.HTML {
		t.Fatalf("%+v", asked)
	}
}

func within(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about within 5 s")
		}
	}
}

func TestAGrantKnowsWhenItEnds(t *testing.T) {
	socket := socketPath(t)
	startHub(t, socket, always(allow(0)+`,"ends_ms":5000`))
	before := time.Now()
	said, _ := mustAsk(t, testClient(t, socket), "/s/abc/", key)
	if ends := said.grant.ends; ends.Before(before.Add(5*time.Second)) || ends.After(time.Now().Add(5*time.Second)) {
		t.Errorf("it ends at %v, asked at %v", ends, before)
	}
}

func goOn(good bool) string { return fmt.Sprintf(`"good":%v`, good) }

// opens has a request that goes on, and says when it is ended.
func opens(c *client, keys ...string) (*open, context.Context) {
	ctx, end := context.WithCancel(context.Background())
	one := &open{uri: "/s/abc/ws", key: key, keys: keys, checked: time.Now(), end: end}
	_, _ = c.open.add(one, time.Now())
	return one, ctx
}

func TestARequestThatNoLongerMayIsEndedAndNoOther(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "hub.sock")
	var may atomic.Bool
	may.Store(true)
	h := startHub(t, socket, func(asked question) string {
		if asked.Recheck {
			return goOn(may.Load())
		}
		return allow(0)
	})
	c := testClient(t, socket)
	mustAsk(t, c, "/s/abc/", key) // so that there is a connection by which the hub can say something
	_, ended := opens(c, "u-ada", "k1")
	_, others := opens(c, "u-bob")
	h.say(`{"recheck":"u-ada"}`)
	eventually(t, func() bool { return h.asked.Load() >= 2 })
	if ended.Err() != nil {
		t.Fatal("ended, though it may go on")
	}
	may.Store(false)
	h.say(`{"recheck":"k1"}`)
	eventually(t, func() bool { return ended.Err() != nil })
	if others.Err() != nil {
		t.Fatal("another one was ended")
	}
}

func TestWhatTheHubNamedBeforeARequestWasNotedIsAskedAgain(t *testing.T) {
	o := newOpenRequests()
	asked := time.Now()
	o.notify("u-ada", asked.Add(time.Millisecond))
	one := &open{keys: []string{"u-ada"}}
	if again, _ := o.add(one, asked); !again {
		t.Error("an answer from before is believed")
	}
	o.remove(one)
	if again, _ := o.add(one, asked.Add(2*time.Millisecond)); again {
		t.Error("an answer from after is not believed")
	}
	o.remove(one)
	if len(o.all)+len(o.byKey) != 0 {
		t.Error("something is left")
	}
}

func TestOnePersonHasSoManyOpenAndOthersTheirOwn(t *testing.T) {
	o := newOpenRequests()
	var ones []*open
	for range mostOpen {
		one := &open{keys: []string{"u-ada", "k1"}}
		if _, err := o.add(one, time.Now()); err != nil {
			t.Fatal(err)
		}
		ones = append(ones, one)
	}
	more := &open{keys: []string{"u-ada", "k2"}}
	if _, err := o.add(more, time.Now()); err == nil {
		t.Error("one person has more than there may be")
	}
	if _, err := o.add(&open{keys: []string{"u-bob", "k1"}}, time.Now()); err != nil {
		t.Error("another person pays for it:", err)
	}
	if len(o.all) != mostOpen+1 {
		t.Error("what was refused is noted")
	}
	o.remove(ones[0])
	if _, err := o.add(more, time.Now()); err != nil {
		t.Error("there is no place when one has ended:", err)
	}
}

func TestAfterAWhileItIsAskedAgainWithoutBeingTold(t *testing.T) {
	o := newOpenRequests()
	now := time.Now()
	o.add(&open{checked: now}, now)
	if len(o.due(time.Minute, now.Add(59*time.Second))) != 0 || len(o.due(time.Minute, now.Add(61*time.Second))) != 1 {
		t.Error("not after a minute")
	}
	if len(o.due(time.Minute, now.Add(62*time.Second))) != 0 {
		t.Error("again, though it was asked a second ago")
	}
}

func TestWithoutAnAnswerARequestGoesOn(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "hub.sock")
	startHub(t, socket, always(`"status":503,"headers":{},"body":""`))
	c := testClient(t, socket)
	one, _ := opens(c, "u-ada")
	if !c.mayGoOn(one) {
		t.Error("a hub that can't look it up has ended it")
	}
}

func TestEqualRequestsAreAskedAboutOnce(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "hub.sock")
	h := startHub(t, socket, always(goOn(false)))
	c := testClient(t, socket)
	var all []context.Context
	for range 50 {
		_, ended := opens(c, "u-ada")
		all = append(all, ended)
	}
	c.recheck(c.open.due(0, time.Now()))
	for _, ended := range all {
		eventually(t, func() bool { return ended.Err() != nil })
	}
	if h.asked.Load() != 1 {
		t.Errorf("%d questions", h.asked.Load())
	}
}

func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("not within five seconds")
}
