// Package people knows who may use the object storage: people, the buckets that they may use beside their own, and the keys of
// their sessions. It is the gateway's IAM service: a request that is signed with a session's key is the person's.
package people

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/versity/versitygw/auth"
)

// Person is one person: their own bucket, and those of their groups. Who is closed has no keys and gets none.
type Person struct {
	Bucket string   `json:"bucket"`
	Groups []string `json:"groups"`
	Closed bool     `json:"closed"`
}

// Key is what one session signs its requests with.
type Key struct {
	Person string `json:"person"`
	Secret string `json:"secret"`
}

type state struct {
	People map[string]Person `json:"people"`
	Keys   map[string]Key    `json:"keys"`
}

// People is kept in one file, which is written whole at each change, and on the disk before the change is answered.
type People struct {
	file   string
	nobody string // the secret of those who are named and never sign: nobody knows it
	mutex  sync.RWMutex
	state  state
}

// Errors that the administrator's requests can have.
var (
	ErrNoPerson = errors.New("there is no such person")
	ErrClosed   = errors.New("this person is closed")
)

// Open reads the file, which may not be there yet.
func Open(file string) (*People, error) {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	people := &People{file: file, nobody: hex.EncodeToString(random)}
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		if err := json.Unmarshal(data, &people.state); err != nil {
			return nil, err
		}
	}
	if people.state.People == nil {
		people.state.People = map[string]Person{}
	}
	if people.state.Keys == nil {
		people.state.Keys = map[string]Key{}
	}
	return people, nil
}

// Put adds a person, or says of one what is so now.
func (p *People) Put(name string, person Person) error {
	return p.change(func(s *state) error {
		s.People[name] = person
		if person.Closed {
			dropKeys(s, name)
		}
		return nil
	})
}

// Remove forgets a person and their keys; it returns what was known of them, and whether anything was.
func (p *People) Remove(name string) (Person, bool, error) {
	var person Person
	var known bool
	err := p.change(func(s *state) error {
		person, known = s.People[name]
		delete(s.People, name)
		dropKeys(s, name)
		return nil
	})
	return person, known, err
}

// Get returns what is known of a person.
func (p *People) Get(name string) (Person, bool) {
	p.mutex.RLock()
	defer p.mutex.RUnlock()
	person, known := p.state.People[name]
	return person, known
}

// PutKey lets a session sign its requests.
func (p *People) PutKey(access string, key Key) error {
	return p.change(func(s *state) error {
		person, known := s.People[key.Person]
		if !known {
			return ErrNoPerson
		}
		if person.Closed {
			return ErrClosed
		}
		s.Keys[access] = key
		return nil
	})
}

// RemoveKey ends what a session signs with.
func (p *People) RemoveKey(access string) error {
	return p.change(func(s *state) error {
		delete(s.Keys, access)
		return nil
	})
}

// MembersOf returns who may use the bucket of a group, by name.
func (p *People) MembersOf(bucket string) []string {
	return p.those(func(person Person) bool { return slices.Contains(person.Groups, bucket) })
}

// Everybody returns everybody who may use anything.
func (p *People) Everybody() []string {
	return p.those(func(Person) bool { return true })
}

func (p *People) those(are func(Person) bool) []string {
	p.mutex.RLock()
	defer p.mutex.RUnlock()
	found := []string{}
	for name, person := range p.state.People {
		if !person.Closed && are(person) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// change does something with the state and writes it, or leaves both as they were.
func (p *People) change(work func(*state) error) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	next := state{People: map[string]Person{}, Keys: map[string]Key{}}
	for name, person := range p.state.People {
		next.People[name] = person
	}
	for access, key := range p.state.Keys {
		next.Keys[access] = key
	}
	if err := work(&next); err != nil {
		return err
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := writeWhole(p.file, data); err != nil {
		return err
	}
	p.state = next
	return nil
}

func dropKeys(s *state, name string) {
	for access, key := range s.Keys {
		if key.Person == name {
			delete(s.Keys, access)
		}
	}
}

func writeWhole(file string, data []byte) error {
	fresh, err := os.CreateTemp(filepath.Dir(file), ".people-")
	if err != nil {
		return err
	}
	defer os.Remove(fresh.Name())
	if _, err := fresh.Write(data); err != nil {
		fresh.Close()
		return err
	}
	if err := fresh.Sync(); err != nil {
		fresh.Close()
		return err
	}
	if err := fresh.Close(); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), file)
}

// What follows makes it an auth.IAMService. Only the administrator's requests change anything.

// GetUserAccount returns who signs with a key. A person's own name is no key: it can be named in a policy, and signs nothing.
func (p *People) GetUserAccount(access string) (auth.Account, error) {
	p.mutex.RLock()
	defer p.mutex.RUnlock()
	if key, known := p.state.Keys[access]; known {
		return auth.Account{Access: key.Person, Secret: key.Secret, Role: auth.RoleUser}, nil
	}
	if _, known := p.state.People[access]; known {
		return auth.Account{Access: access, Secret: p.nobody, Role: auth.RoleUser}, nil
	}
	return auth.Account{}, auth.ErrNoSuchUser
}

// ResolveAccounts returns those of some names that nobody has.
func (p *People) ResolveAccounts(names []string) ([]string, error) {
	var missing []string
	for _, name := range names {
		if _, known := p.Get(name); !known {
			missing = append(missing, name)
		}
	}
	return missing, nil
}

// CreateAccount refuses: the hub adds people.
func (p *People) CreateAccount(auth.Account) error { return errNotHere }

// UpdateUserAccount refuses, as CreateAccount does.
func (p *People) UpdateUserAccount(string, auth.MutableProps) error { return errNotHere }

// DeleteUserAccount refuses, as CreateAccount does.
func (p *People) DeleteUserAccount(string) error { return errNotHere }

// ListUserAccounts refuses, as CreateAccount does.
func (p *People) ListUserAccounts() ([]auth.Account, error) { return nil, errNotHere }

// Shutdown has nothing to do.
func (p *People) Shutdown() error { return nil }

var errNotHere = errors.New("people are added by the hub")
