package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	comatproto "github.com/bluesky-social/indigo/api/atproto"
	"github.com/bluesky-social/indigo/atproto/atcrypto"
	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/firehose"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"

	pdsrepo "github.com/pdskit/pdskit/repo"
)

var farFuture = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// FuzzFrame decodes anything. What is an event has what a mirror goes by.
func FuzzFrame(f *testing.F) {
	for _, frame := range frames(f) {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decodeFrame(data)
		if err == nil && (e.Kind == "" || len(e.Body) == 0 || !bytes.HasSuffix(data, e.Body)) {
			t.Errorf("%+v", e)
		}
	})
}

// frames are one of each kind, as this library's firehose sends them, and what else may come.
func frames(t testing.TB) (all [][]byte) {
	identity, err := firehose.IdentityEvent("did:plc:alice", "alice.test", farFuture)
	check(t, err)
	account, err := firehose.AccountEvent("did:plc:alice", storage.StatusTakendown, farFuture)
	check(t, err)
	var body bytes.Buffer
	commit := comatproto.SyncSubscribeRepos_Commit{Repo: "did:plc:alice", Rev: "3zzzzzzzzzz22"}
	commit.Commit = mustLink(t)
	check(t, commit.MarshalCBOR(&body))
	for i, e := range []storage.Event{identity, account, {Kind: storage.EventCommit, Body: body.Bytes()}} {
		e.Seq = int64(i + 1)
		frame, err := firehose.NewFrame(e)
		check(t, err)
		all = append(all, frame.CBOR())
	}
	return append(all,
		[]byte("\xa2\x61t\x65#info\x62op\x01\xa1\x64name\x6eOutdatedCursor"),
		[]byte("\xa1\x62op\x20\xa1\x65error\x6cFutureCursor"),
		[]byte("\xa1\x62op\x20\xa1\x65error\x67TooSlow"),
		[]byte("\xa2\x61t\x64#new\x62op\x01\xa0"),
	)
}

func TestFrames(t *testing.T) {
	var got []string
	for _, frame := range frames(t) {
		e, err := decodeFrame(frame)
		switch {
		case err == nil:
			got = append(got, fmt.Sprint(e.Seq, e.Kind, e.DID))
		case errors.Is(err, ErrOutdated):
			got = append(got, "outdated")
		case errors.Is(err, ErrBehind):
			got = append(got, "behind")
		case errors.Is(err, errUnknown):
			got = append(got, "unknown")
		default:
			got = append(got, err.Error())
		}
	}
	want := []string{
		"1#identitydid:plc:alice", "2#accountdid:plc:alice", "3#commitdid:plc:alice", "outdated", "behind",
		"backup: the server ends the stream: TooSlow: ", "unknown",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, bad := range []string{"", "\xa0", "\xa1\x61x\x01", "\xff\xff", "\xa2\x61t\x67#commit\x62op\x01\xa0\xa0"} {
		if e, err := decodeFrame([]byte(bad)); err == nil && e.Seq != 0 {
			t.Errorf("%q is %+v", bad, e)
		}
	}
}

// single is a bucket of one object.
type single struct {
	Bucket
	content []byte
}

func (s single) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(s.content)), nil
}

func (single) List(context.Context, string) iter.Seq2[string, error] {
	return func(func(string, error) bool) {}
}

// FuzzManifest reads anything as the manifest of an account, under a checksum that is right. What is taken can be worked
// with.
func FuzzManifest(f *testing.F) {
	m := manifest{DID: "did:plc:alice", Handle: "alice.test", Status: storage.StatusDeactivated, Rev: "3zzzzzzzzzz22"}
	m.Commit, m.Data = mustLink(f).String(), mustLink(f).String()
	m.Segments = []segment{{Name: repoFolder(m.DID) + "x.car", Rev: m.Rev, Bytes: 5}}
	data, err := encodeDocument(m)
	check(f, err)
	f.Add(data[documentHead:])
	f.Add([]byte(`{"did":"did:plc:alice"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		data := append(append(digest(body), '\n'), body...)
		got, err := loadManifestObject(t.Context(), single{content: data}, accountObject("did:plc:alice"))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("error %v isn't an ErrDamaged", err)
			}
			return
		}
		if _, err := got.head(); err != nil && len(got.Segments) > 0 || got.DID != "did:plc:alice" {
			t.Errorf("%+v: %v", got, err)
		}
		if len(data) > documentHead {
			data[documentHead] ^= 1
			if _, err := loadManifestObject(t.Context(), single{content: data}, accountObject("did:plc:alice")); err == nil {
				t.Error("a flipped bit isn't seen")
			}
		}
	})
}

// FuzzSegments reads anything as two segments, under checksums that are right.
func FuzzSegments(f *testing.F) {
	car := smallRepo(f)
	f.Add(car)
	f.Add(car[:len(car)/2])
	f.Fuzz(func(t *testing.T, content []byte) {
		sum := sha256.Sum256(content)
		s := segment{Name: "s.car", Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
		r := openSegments(t.Context(), single{content: content}, []segment{s, s})
		defer r.Close()
		c, err := pdsrepo.OpenCopy(t.Context(), fuzzDID, r, t.TempDir())
		if err == nil {
			err = c.WriteTo(io.Discard, nil)
			c.Close()
		}
		var damage *Damage
		if err != nil && !errors.Is(err, pdsrepo.ErrInvalidCAR) && !errors.As(err, &damage) {
			t.Errorf("%v", err)
		}
	})
}

const fuzzDID = "did:plc:alicealicealicealicealic"

type signer struct{ *atcrypto.PrivateKeyK256 }

func (s signer) Sign(_ context.Context, _ syntax.DID, unsigned []byte) ([]byte, error) {
	return s.HashAndSign(unsigned)
}

// smallRepo returns a repo of one record as a CAR file.
func smallRepo(t testing.TB) []byte {
	key, err := atcrypto.GeneratePrivateKeyK256()
	check(t, err)
	store := memory.New()
	engine, err := pdsrepo.New(pdsrepo.Config{Store: store, Signer: signer{key}})
	check(t, err)
	commit, err := engine.Genesis(t.Context(), fuzzDID)
	check(t, err)
	_, err = store.CreateAccount(t.Context(), storage.NewAccount{Account: storage.Account{DID: fuzzDID}, Commit: commit})
	check(t, err)
	_, err = engine.Apply(t.Context(), fuzzDID, pdsrepo.Batch{Ops: []pdsrepo.Op{
		{Action: pdsrepo.Create, Path: post + "/one", Value: []byte("\xa1\x64text\x63one")},
	}})
	check(t, err)
	var car bytes.Buffer
	check(t, engine.Export(t.Context(), fuzzDID, "", &car))
	return car.Bytes()
}
