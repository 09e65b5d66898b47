package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"
	"github.com/pdskit/pdskit/storage"
	cbg "github.com/whyrusleeping/cbor-gen"
)

// Check examines the whole content of a store that nobody writes to meanwhile: a test calls it after faults, races or a
// crash. It returns all problems that it finds, joined.
//
//   - Accounts are listed by ID, and found by DID, handle and address.
//   - An account's repo has a head, whose block is there, and its CID is that of its bytes.
//   - From the head's Data, links lead to exactly the nodes and exactly the records that the repo has; the bytes of each
//     have its CID, and no rev is greater than the head's.
//   - Collections, ListByCollection, Stats and Blocks agree with the records and nodes.
//   - A blob that records refer to is either there and Referenced, or missing, and the records are found by it.
//   - The records and blobs that are listed as taken down are those that are.
//   - Events are in order, and LastSeq isn't less than the last one's number. The newest commit that the log has of an
//     account is the head, if the event's body has links, and unless a #sync event follows.
//
// It knows nothing of nodes, commits and events but that they are DAG-CBOR.
func Check(ctx context.Context, s storage.Store) error {
	c := &checker{ctx: ctx, store: s, members: make(map[syntax.NSID][]syntax.DID)}
	c.checkEvents()
	last := int64(0)
	for a, err := range s.ListAccounts(ctx, 0, math.MaxInt32) {
		if err != nil {
			return errors.Join(append(c.problems, err)...)
		}
		if a.ID <= last {
			c.problem("account %s: ID %d comes after %d", a.DID, a.ID, last)
		}
		last = a.ID
		c.checkAccount(a)
		c.checkRepo(a.Head)
		c.checkBlobs(a.DID)
	}
	c.checkMembers()
	return errors.Join(c.problems...)
}

type checker struct {
	ctx      context.Context
	store    storage.Store
	members  map[syntax.NSID][]syntax.DID // the repos of the accounts that have a record of a collection
	problems []error
}

func (c *checker) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("storagetest: "+format, args...))
}

// failed notes an error of a read, and returns whether there is one.
func (c *checker) failed(what string, err error) bool {
	if err != nil {
		c.problem("%s: %w", what, err)
	}
	return err != nil
}

func (c *checker) checkEvents() {
	last := int64(0)
	newest := make(map[syntax.DID][]cid.Cid)
	for e, err := range c.store.ListEvents(c.ctx, storage.EventRange{}) {
		if c.failed("events", err) {
			return
		}
		if e.Seq <= last {
			c.problem("event %d comes after %d", e.Seq, last)
		}
		last = e.Seq
		switch e.Kind {
		case storage.EventCommit:
			links, err := linksOf(e.Body)
			c.failed(fmt.Sprintf("event %d", e.Seq), err)
			newest[e.DID] = links
		case storage.EventSync:
			delete(newest, e.DID)
		}
	}
	seq, err := c.store.LastSeq(c.ctx)
	if !c.failed("LastSeq", err) && seq < last {
		c.problem("LastSeq is %d, but there is event %d", seq, last)
	}
	for did, links := range newest {
		head, err := c.store.Head(c.ctx, did)
		if errors.Is(err, storage.ErrNotFound) {
			c.problem("%s: there is a commit event, but no repo", did)
		} else if !c.failed(string(did), err) && len(links) > 0 && !slices.Contains(links, head.Commit) {
			c.problem("%s: the newest commit event isn't of the head %s", did, head.Commit)
		}
	}
}

func (c *checker) checkAccount(a storage.Hosted) {
	same := func(what string, got storage.Account, err error) {
		if !c.failed(fmt.Sprintf("account %s by %s", a.DID, what), err) && got != a.Account {
			c.problem("account %s is another one by %s", a.DID, what)
		}
	}
	got, err := c.store.Account(c.ctx, a.DID)
	same("DID", got, err)
	if a.Handle != "" {
		got, err := c.store.AccountByHandle(c.ctx, a.Handle)
		same("handle", got, err)
	}
	if a.Email != "" {
		got, err := c.store.AccountByEmail(c.ctx, a.Email)
		same("address", got, err)
	}
}

func (c *checker) checkRepo(listed storage.Head) {
	did := listed.DID
	head, err := c.store.Head(c.ctx, did)
	if c.failed(fmt.Sprintf("repo %s", did), err) {
		return
	}
	if head.Commit != listed.Commit || head.Data != listed.Data || head.Rev != listed.Rev ||
		!bytes.Equal(head.Block, listed.Block) {
		c.problem("repo %s: ListAccounts has another head", did)
	}
	c.checkBlock(head, head.Commit)

	records := make(map[cid.Cid]int) // how often each is in the repo
	var collections, down []string
	var n int64
	last := ""
	for r, err := range c.store.Records(c.ctx, did, storage.RecordRange{}) {
		if c.failed(fmt.Sprintf("repo %s: records", did), err) {
			return
		}
		if n++; n > 1 && r.Path <= last {
			c.problem("repo %s: record %s comes after %s", did, r.Path, last)
		}
		last = r.Path
		records[r.CID]++
		collection, _, _ := strings.Cut(r.Path, "/")
		collections = append(collections, collection)
		if r.TakedownRef != "" {
			down = append(down, r.Path+" "+r.TakedownRef)
		}
		c.checkBytes(fmt.Sprintf("repo %s: record %s", did, r.Path), r.CID, r.Bytes)
		if r.Rev > head.Rev {
			c.problem("repo %s: record %s has rev %s, the head has %s", did, r.Path, r.Rev, head.Rev)
		}
		if b := c.checkBlock(head, r.CID); b != nil && !bytes.Equal(b, r.Bytes) {
			c.problem("repo %s: record %s is another one as a block", did, r.Path)
		}
	}
	c.checkTakedowns(did, down)
	c.checkCollections(did, collections)
	nodes := c.walk(head, records)
	stats, err := c.store.Stats(c.ctx, did)
	if !c.failed(fmt.Sprintf("repo %s: Stats", did), err) && stats != (storage.RepoStats{Nodes: nodes, Records: n}) {
		c.problem("repo %s: it has %d nodes and %d records, and Stats says %+v", did, nodes, n, stats)
	}
}

// checkTakedowns compares the listings with the records that are taken down, and with each blob.
func (c *checker) checkTakedowns(did syntax.DID, want []string) {
	var got []string
	for down, err := range c.store.ListTakedowns(c.ctx, did) {
		if c.failed(fmt.Sprintf("account %s: takedowns", did), err) {
			return
		}
		if !down.Blob.Defined() {
			got = append(got, down.Path+" "+down.Ref)
			continue
		}
		b, err := c.store.Blob(c.ctx, did, down.Blob)
		what := fmt.Sprintf("account %s: blob %s", did, down.Blob)
		if !c.failed(what, err) && (b.TakedownRef != down.Ref || down.Ref == "") {
			c.problem("%s is listed as taken down with %q, and it is %+v", what, down.Ref, b)
		}
	}
	if !slices.Equal(got, want) {
		c.problem("repo %s: records %q are listed as taken down, want %q", did, got, want)
	}
}

func (c *checker) checkCollections(did syntax.DID, want []string) {
	slices.Sort(want)
	want = slices.Compact(want)
	for _, collection := range want {
		c.members[syntax.NSID(collection)] = append(c.members[syntax.NSID(collection)], did)
	}
	var got []string
	collections, err := c.store.Collections(c.ctx, did)
	for _, collection := range collections {
		got = append(got, string(collection))
	}
	if !c.failed(fmt.Sprintf("repo %s: Collections", did), err) && !slices.Equal(got, want) {
		c.problem("repo %s: Collections are %q, want %q", did, got, want)
	}
}

// checkMembers compares the repos that are listed by their collections with those that were seen. There may be repos
// without an account.
func (c *checker) checkMembers() {
	for collection, members := range c.members {
		var listed []syntax.DID
		for did, err := range c.store.ListByCollection(c.ctx, collection, "", math.MaxInt32) {
			if c.failed(fmt.Sprintf("collection %s", collection), err) {
				return
			}
			if n := len(listed); n > 0 && listed[n-1] >= did {
				c.problem("collection %s: repo %s comes after %s", collection, did, listed[n-1])
			}
			listed = append(listed, did)
			found, err := c.store.Collections(c.ctx, did)
			if !c.failed(fmt.Sprintf("repo %s: Collections", did), err) && !slices.Contains(found, collection) {
				c.problem("collection %s: repo %s is listed, and has no record of it", collection, did)
			}
		}
		for _, did := range members {
			if _, found := slices.BinarySearch(listed, did); !found {
				c.problem("collection %s: repo %s isn't listed", collection, did)
			}
		}
	}
}

// walk follows the links from the root and returns the number of nodes. What isn't one of the records is a node.
func (c *checker) walk(head storage.Head, records map[cid.Cid]int) int64 {
	seen := map[cid.Cid]bool{head.Data: true}
	linked := make(map[cid.Cid]int)
	for queue := []cid.Cid{head.Data}; len(queue) > 0; queue = queue[1:] {
		links, err := linksOf(c.checkBlock(head, queue[0]))
		c.failed(fmt.Sprintf("repo %s: node %s", head.DID, queue[0]), err)
		for _, l := range links {
			if records[l] > 0 {
				linked[l]++
			} else if !seen[l] {
				seen[l] = true
				queue = append(queue, l)
			}
		}
	}
	for r, n := range records {
		if linked[r] != n {
			c.problem("repo %s: record %s is at %d paths, and in %d places of the tree", head.DID, r, n, linked[r])
		}
	}
	return int64(len(seen))
}

// checkBlock reads a block and returns its bytes, or nil if it isn't there.
func (c *checker) checkBlock(head storage.Head, want cid.Cid) []byte {
	what := fmt.Sprintf("repo %s: block %s", head.DID, want)
	blocks, err := c.store.Blocks(c.ctx, head.DID, []cid.Cid{want})
	if c.failed(what, err) {
		return nil
	}
	if len(blocks) != 1 || blocks[0].CID != want {
		c.problem("%s isn't there", what)
		return nil
	}
	c.checkBytes(what, want, blocks[0].Bytes)
	if blocks[0].Rev > head.Rev {
		c.problem("%s has rev %s, the head has %s", what, blocks[0].Rev, head.Rev)
	}
	return blocks[0].Bytes
}

func (c *checker) checkBytes(what string, want cid.Cid, data []byte) {
	if got, err := want.Prefix().Sum(data); err != nil || got != want {
		c.problem("%s: bytes have CID %s: %v", what, got, err)
	}
}

func (c *checker) checkBlobs(did syntax.DID) {
	missing := make(map[cid.Cid]bool)
	for ref, err := range c.store.ListBlobs(c.ctx, did, storage.BlobRange{Missing: true}) {
		if c.failed(fmt.Sprintf("account %s: missing blobs", did), err) {
			return
		}
		missing[ref.CID] = true
	}
	last, n := "", 0
	for ref, err := range c.store.ListBlobs(c.ctx, did, storage.BlobRange{}) {
		if c.failed(fmt.Sprintf("account %s: blobs", did), err) {
			return
		}
		if ref.CID.String() <= last {
			c.problem("account %s: blob %s comes after %s", did, ref.CID, last)
		}
		last = ref.CID.String()
		c.checkReference(did, ref)
		row, err := c.store.Blob(c.ctx, did, ref.CID)
		switch {
		case missing[ref.CID]:
			n++
			if !errors.Is(err, storage.ErrNotFound) {
				c.problem("account %s: blob %s is missing and there: %v", did, ref.CID, err)
			}
		case !c.failed(fmt.Sprintf("account %s: blob %s", did, ref.CID), err) && !row.Referenced:
			c.problem("account %s: a record refers to blob %s, but it isn't Referenced", did, ref.CID)
		}
	}
	if n != len(missing) {
		c.problem("account %s: %d blobs are missing, and %d of them are listed", did, len(missing), n)
	}
}

// checkReference compares where a blob is said to be referred to with the records that refer to it.
func (c *checker) checkReference(did syntax.DID, ref storage.BlobRef) {
	what := fmt.Sprintf("account %s: blob %s", did, ref.CID)
	n := 0
	for r, err := range c.store.Records(c.ctx, did, storage.RecordRange{Blob: ref.CID}) {
		if c.failed(what, err) {
			return
		}
		if n == 0 && r.Path != ref.Path {
			c.problem("%s is in record %s first, not in %s", what, r.Path, ref.Path)
		}
		n++
		one, err := c.store.Record(c.ctx, did, r.Path)
		if !c.failed(what, err) && one.CID != r.CID {
			c.problem("%s: record %s is listed as %s, and it is %s", what, r.Path, r.CID, one.CID)
		}
	}
	if n == 0 {
		c.problem("%s is in no record", what)
	}
}

// linksOf returns the links in DAG-CBOR.
func linksOf(data []byte) ([]cid.Cid, error) {
	var links []cid.Cid
	if len(data) == 0 {
		return nil, nil
	}
	err := cbg.ScanForLinks(bytes.NewReader(data), func(c cid.Cid) { links = append(links, c) })
	return links, err
}
