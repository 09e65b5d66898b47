package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"sync"
)

// service is a key service. Its keys never leave it.
type service struct {
	mu   sync.Mutex
	keys map[string]*ecdsa.PrivateKey
}

func newService() http.Handler {
	s := &service{keys: map[string]*ecdsa.PrivateKey{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /keys", s.generate)
	mux.HandleFunc("GET /keys/{id}", s.withKey(s.public))
	mux.HandleFunc("POST /keys/{id}/sign", s.withKey(s.sign))
	return mux
}

// generate makes a key, and answers with its ID.
func (s *service) generate(w http.ResponseWriter, _ *http.Request) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	id := rand.Text()
	s.mu.Lock()
	s.keys[id] = key
	s.mu.Unlock()
	io.WriteString(w, id)
}

// public answers with the public key, an uncompressed point.
func (s *service) public(w http.ResponseWriter, _ *http.Request, key *ecdsa.PrivateKey) {
	point, err := key.PublicKey.Bytes()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(point)
}

// sign answers with the signature of a SHA-256, in ASN.1.
func (s *service) sign(w http.ResponseWriter, r *http.Request, key *ecdsa.PrivateKey) {
	digest, err := io.ReadAll(io.LimitReader(r.Body, sha256.Size+1))
	if err != nil || len(digest) != sha256.Size {
		http.Error(w, "not a digest", http.StatusBadRequest)
		return
	}
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(sig)
}

func (s *service) withKey(h func(http.ResponseWriter, *http.Request, *ecdsa.PrivateKey)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		key := s.keys[r.PathValue("id")]
		s.mu.Unlock()
		if key == nil {
			http.Error(w, "no such key", http.StatusNotFound)
			return
		}
		h(w, r, key)
	}
}
