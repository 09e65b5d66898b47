// Package dev is what the examples that are about something else stand on: the parts of a PDS in memory, and a PLC
// directory in the same process. How a service that keeps its data puts them together, the program examples/mount shows.
package dev

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"

	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage/memory"
)

// Config returns what a PDS is made of, with handles under ".test". The PLC directory that it names is served until ctx ends.
func Config(ctx context.Context, publicURL string) (pds.Config, error) {
	directory, err := plc.NewDirectory(plc.DirectoryConfig{})
	if err != nil {
		return pds.Config{}, err
	}
	plcURL, err := Listen(ctx, directory)
	if err != nil {
		return pds.Config{}, err
	}
	store := memory.New()
	secret := make([]byte, keys.MinSecret)
	rand.Read(secret)
	keyring, err := keys.New(keys.Config{Store: store, Secret: secret})
	if err != nil {
		return pds.Config{}, err
	}
	if _, err := keyring.Generate(ctx, "rotation", keys.K256); err != nil {
		return pds.Config{}, err
	}
	rotation, err := keyring.Signer(ctx, "rotation")
	return pds.Config{
		Store: store, Blobs: memory.NewBlobs(), PublicURL: publicURL, HandleDomains: []string{".test"},
		TokenSecret: secret, Keys: keyring, RotationKey: rotation, PLCURL: plcURL,
		OfflineLexicons: true, Development: true,
	}, err
}

// Listen serves h at a free port of this machine until ctx ends.
func Listen(ctx context.Context, h http.Handler) (url string, err error) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h}
	context.AfterFunc(ctx, func() { server.Close() })
	go server.Serve(listener)
	return "http://" + listener.Addr().String(), nil
}

// Serve serves h until ctx ends, and runs the PDS meanwhile.
func Serve(ctx context.Context, addr string, srv *pds.Server, h http.Handler) error {
	server := &http.Server{Addr: addr, Handler: h}
	go func() {
		srv.Run(ctx)
		server.Shutdown(context.WithoutCancel(ctx))
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
