package pdstest

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/storagetest"
)

// Faults are switches, all off at first. They may be turned while the server serves.
type Faults struct {
	writes  atomic.Pointer[func(method string) storagetest.Fault]
	blobs   atomic.Bool
	mail    atomic.Bool
	plcDown atomic.Bool
}

// Writes has writes to storage fail with storagetest.ErrFault: decide says for each, by the name of its method, as in
// "Commit", whether it is storagetest.Lost, or storagetest.Applied and yet reported as failed. It may be called from many
// goroutines at once. With nil, no write fails.
func (f *Faults) Writes(decide func(method string) storagetest.Fault) {
	if decide == nil {
		f.writes.Store(nil)
		return
	}
	f.writes.Store(&decide)
}

// Blobs says whether reading and writing the blobs' bytes fail with storagetest.ErrFault.
func (f *Faults) Blobs(fail bool) { f.blobs.Store(fail) }

// Mail says whether sending a letter fails with storagetest.ErrFault.
func (f *Faults) Mail(fail bool) { f.mail.Store(fail) }

// PLCDown says whether the PLC directory is out of order.
func (f *Faults) PLCDown(down bool) { f.plcDown.Store(down) }

func (f *Faults) decide(method string) storagetest.Fault {
	if decide := f.writes.Load(); decide != nil {
		return (*decide)(method)
	}
	return storagetest.NoFault
}

// reachable cuts the connection of those who ask while the directory is down.
func (f *Faults) reachable(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.plcDown.Load() {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	})
}

// faultyBlobs fail as their switch says.
type faultyBlobs struct {
	storage.Blobs
	faults *Faults
}

func (b faultyBlobs) Put(ctx context.Context, did syntax.DID, r io.Reader) (cid.Cid, int64, error) {
	if b.faults.blobs.Load() {
		return cid.Undef, 0, storagetest.ErrFault
	}
	return b.Blobs.Put(ctx, did, r)
}

func (b faultyBlobs) Open(ctx context.Context, id storage.BlobID) (io.ReadSeekCloser, error) {
	if b.faults.blobs.Load() {
		return nil, storagetest.ErrFault
	}
	return b.Blobs.Open(ctx, id)
}

func (b faultyBlobs) Delete(ctx context.Context, id storage.BlobID) error {
	if b.faults.blobs.Load() {
		return storagetest.ErrFault
	}
	return b.Blobs.Delete(ctx, id)
}

// faultyMailer fails as its switch says.
type faultyMailer struct {
	pds.Mailer
	faults *Faults
}

func (m faultyMailer) Send(ctx context.Context, letter pds.Mail) error {
	if m.faults.mail.Load() {
		return storagetest.ErrFault
	}
	return m.Mailer.Send(ctx, letter)
}
