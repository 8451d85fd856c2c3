// Package admin answers the hub: it adds people, keys and buckets, and archives what they hold. Only who has the token of this
// start is answered.
package admin

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"rsparkhub/s3/internal/buckets"
	"rsparkhub/s3/internal/people"
)

// Handler answers under /people/NAME, /groups/BUCKET, /keys/ACCESS and /archive.
func Handler(token string, known *people.People, store *buckets.Buckets) http.Handler {
	a := &admin{people: known, buckets: store}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /people/{name}", a.putPerson)
	mux.HandleFunc("POST /people/{name}/close", a.closePerson)
	mux.HandleFunc("DELETE /people/{name}", a.removePerson)
	mux.HandleFunc("GET /people/{name}/archive", a.archivePerson)
	mux.HandleFunc("DELETE /groups/{bucket}", a.removeGroup)
	mux.HandleFunc("GET /groups/{bucket}/archive", a.archiveGroup)
	mux.HandleFunc("PUT /keys/{access}", a.putKey)
	mux.HandleFunc("DELETE /keys/{access}", a.removeKey)
	mux.HandleFunc("GET /archive", a.archive)
	mux.HandleFunc("PUT /archive", a.restore)
	wanted := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), wanted) != 1 {
			http.Error(w, "only the hub is answered", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

type admin struct {
	people  *people.People
	buckets *buckets.Buckets
}

func (a *admin) putPerson(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	var person people.Person
	if !read(w, r, &person) {
		return
	}
	for _, group := range person.Groups {
		if !strings.HasPrefix(group, buckets.GroupPrefix) {
			http.Error(w, group+" is no bucket of a group", http.StatusBadRequest)
			return
		}
	}
	err := a.people.Put(name, person)
	if err == nil {
		err = a.buckets.Ensure(person.Bucket, name)
	}
	for _, group := range person.Groups {
		if err == nil {
			err = a.buckets.Ensure(group, buckets.Root)
		}
	}
	answer(w, err)
}

func (a *admin) closePerson(w http.ResponseWriter, r *http.Request) {
	person, known := a.people.Get(r.PathValue("name"))
	if !known {
		answer(w, nil)
		return
	}
	person.Closed = true
	answer(w, a.people.Put(r.PathValue("name"), person))
}

// removePerson deletes the bucket first: after a crash the person is still known, and it is done again.
func (a *admin) removePerson(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	person, known := a.people.Get(name)
	if !known {
		answer(w, nil)
		return
	}
	person.Closed = true
	err := a.people.Put(name, person)
	if err == nil {
		err = a.buckets.Remove(person.Bucket)
	}
	if err == nil {
		_, _, err = a.people.Remove(name)
	}
	answer(w, err)
}

func (a *admin) archivePerson(w http.ResponseWriter, r *http.Request) {
	person, known := a.people.Get(r.PathValue("name"))
	if !known {
		answer(w, people.ErrNoPerson)
		return
	}
	a.stream(w, func(bucket string) bool { return bucket == person.Bucket })
}

// ofGroup refuses what is no bucket of a group: those of people go with them.
func ofGroup(w http.ResponseWriter, bucket string) bool {
	if !strings.HasPrefix(bucket, buckets.GroupPrefix) {
		http.Error(w, bucket+" is no bucket of a group", http.StatusBadRequest)
		return false
	}
	return true
}

func (a *admin) removeGroup(w http.ResponseWriter, r *http.Request) {
	if bucket := r.PathValue("bucket"); ofGroup(w, bucket) {
		answer(w, a.buckets.Remove(bucket))
	}
}

func (a *admin) archiveGroup(w http.ResponseWriter, r *http.Request) {
	wanted := r.PathValue("bucket")
	if !ofGroup(w, wanted) {
		return
	}
	if !a.buckets.Exists(wanted) {
		http.Error(w, "there is no such bucket", http.StatusNotFound)
		return
	}
	a.stream(w, func(bucket string) bool { return bucket == wanted })
}

func (a *admin) archive(w http.ResponseWriter, _ *http.Request) {
	a.stream(w, func(bucket string) bool { return bucket != buckets.Samples })
}

// stream writes an archive. One that can't be finished breaks the connection off, so that nobody takes it for whole.
func (a *admin) stream(w http.ResponseWriter, wanted func(string) bool) {
	w.Header().Set("Content-Type", "application/x-tar")
	if err := a.buckets.Archive(w, wanted); err != nil {
		println("An archive could not be made:", err.Error())
		panic(http.ErrAbortHandler)
	}
}

func (a *admin) restore(w http.ResponseWriter, r *http.Request) { answer(w, a.buckets.Restore(r.Body)) }

func (a *admin) putKey(w http.ResponseWriter, r *http.Request) {
	var key people.Key
	if !read(w, r, &key) {
		return
	}
	if len(key.Secret) < 16 {
		http.Error(w, "this secret is too short", http.StatusBadRequest)
		return
	}
	answer(w, a.people.PutKey(r.PathValue("access"), key))
}

func (a *admin) removeKey(w http.ResponseWriter, r *http.Request) {
	answer(w, a.people.RemoveKey(r.PathValue("access")))
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(into); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, people.ErrNoPerson):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, people.ErrClosed):
		http.Error(w, err.Error(), http.StatusConflict)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
