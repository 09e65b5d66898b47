package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
)

// routes is the service's mux. The PDS takes exactly the paths that it needs.
func routes(srv *pds.Server) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "Welcome to a service that was here before.")
	})
	srv.Mount(mux)
	return mux
}

// logged is middleware of the service's own.
func logged(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Println(r.Method, r.URL.Path)
		h.ServeHTTP(w, r)
	})
}

// rotationKey is the key that signs the identities of the accounts. It is made at the first start.
func rotationKey(ctx context.Context, keyring *keys.Keyring) (*keys.Signer, error) {
	if _, err := keyring.Generate(ctx, "rotation", keys.K256); err != nil && !errors.Is(err, storage.ErrExists) {
		return nil, err
	}
	return keyring.Signer(ctx, "rotation")
}
