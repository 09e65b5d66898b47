package repo

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage/memory"
)

// FuzzImport imports anything. What is taken must verify, and come out as it went in.
func FuzzImport(f *testing.F) {
	for name := range wholeRepos {
		if strings.HasPrefix(name, "fakermaker") || strings.HasPrefix(name, "paul") {
			continue // too large to be changed to effect
		}
		b, err := os.ReadFile(indigoTestdata(name))
		check(f, err)
		f.Add(b)
	}
	slice, err := os.ReadFile(indigoTestdata("repo_slice.car"))
	check(f, err)
	f.Add(slice)
	f.Add(generate(f, alice, 3).car(f))
	f.Add(generate(f, alice, 12).car(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		did := alice
		if bytes.Contains(b, []byte("did:plc:kzcqyc3unb33eh5sxzsfs25z")) {
			did = "did:plc:kzcqyc3unb33eh5sxzsfs25z" // greenground's
		}
		store := memory.New()
		e := newEngine(t, store)
		createAccount(t, e, store, did)
		res, err := e.Import(t.Context(), did, bytes.NewReader(fixCIDs(b)), ImportOptions{})
		if err != nil {
			if !errors.Is(err, ErrInvalidCAR) {
				t.Errorf("error %v isn't an ErrInvalidCAR", err)
			}
			return
		}
		check(t, e.Verify(t.Context(), did, signer().public(t)))
		var out bytes.Buffer
		check(t, e.Export(t.Context(), did, "", &out))
		again, err := e.Import(t.Context(), did, &out, ImportOptions{CheckKey: signer().public(t)})
		check(t, err)
		if again.Rev <= res.Rev {
			t.Errorf("rev %s after %s", again.Rev, res.Rev)
		}
	})
}

// fixCIDs gives the blocks of a damaged file the CIDs of what they have become, so that a fuzzer gets past the check of
// their hashes.
func fixCIDs(b []byte) []byte {
	r, err := data.NewCARReader(bytes.NewReader(b))
	if err != nil {
		return b
	}
	type block struct {
		old  string
		data []byte
	}
	var blocks []block
	for c, b := range data.CARBlocks(b) {
		blocks = append(blocks, block{c.KeyString(), b})
	}
	fixed := data.AppendCARHeader(nil, r.Root())
	for range blocks { // a CID that is changed changes the block that names it, and so on up to the commit
		changed := false
		for i := range blocks {
			now := data.SumCID(blocks[i].data).KeyString()
			if now == blocks[i].old {
				continue
			}
			changed = true
			for j := range blocks {
				blocks[j].data = bytes.ReplaceAll(blocks[j].data, []byte(blocks[i].old), []byte(now))
			}
			fixed = bytes.ReplaceAll(fixed, []byte(blocks[i].old), []byte(now))
			blocks[i].old = now
		}
		if !changed {
			break
		}
	}
	for _, bl := range blocks {
		fixed = data.AppendCARBlock(fixed, data.SumCID(bl.data), bl.data)
	}
	return fixed
}
