package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path"
	"sync"
	"testing"
)

// collection has no lexicon.
const collection = "com.example.note"

// workload is what was written to a server, and acknowledged.
type workload struct{ users []*user }

// user writes to a repo, and notes what a consumer of the stream has to see of that.
type user struct {
	server         server
	handle         string
	DID, AccessJWT string

	commits int
	want    []event
}

// event is a line that a consumer of the stream prints.
type event struct {
	Event  string // create, update, delete, sync, identity, account or error
	Seq    int64
	DID    string
	Rev    string
	Commit string
	Path   string
	CID    string
	Handle string
	Active bool
	Status string
	Error  string
}

// newWorkload signs users up.
func newWorkload(t *testing.T, s server, users int) *workload {
	w := &workload{}
	for i := range users {
		u, err := signUp(s, fmt.Sprintf("user%02d.test", i))
		if err != nil {
			t.Fatal(err)
		}
		w.users = append(w.users, u)
	}
	return w
}

// run writes, four users at a time.
func (w *workload) run(t *testing.T, operations int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const workers = 4
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(worker)))
			for i := worker; i < len(w.users); i += workers {
				if err := w.users[i].work(rng, operations/len(w.users)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func signUp(s server, handle string) (*user, error) {
	u := &user{server: s, handle: handle}
	body := map[string]string{"handle": handle, "email": handle + "@example.com", "password": "a password"}
	if err := u.post("com.atproto.server.createAccount", body, u); err != nil {
		return nil, err
	}
	u.want = []event{{Event: "identity", Handle: handle}, {Event: "account", Active: true}}
	return u, u.synced()
}

// synced notes a #sync event: the repo was made, or imported.
func (u *user) synced() error {
	var head struct{ CID, Rev string }
	if err := u.get("com.atproto.sync.getLatestCommit?did="+u.DID, &head); err != nil {
		return err
	}
	u.want = append(u.want, event{Event: "sync", Rev: head.Rev, CID: head.CID})
	return nil
}

// work does n random operations, of up to 200 to a commit.
func (u *user) work(rng *rand.Rand, n int) error {
	records := map[string]bool{} // by record key
	for n > 0 {
		size := 1
		switch rng.IntN(10) {
		case 0:
			size = 1 + rng.IntN(200)
		case 1, 2, 3:
			size = 1 + rng.IntN(8)
		case 4:
			if rng.IntN(20) == 0 {
				if err := u.reimport(); err != nil {
					return err
				}
			}
		case 5:
			if rng.IntN(10) == 0 { // empty the repo, as far as one commit goes
				size = max(1, min(len(records), 200))
			}
		}
		size = min(size, n)
		n -= size
		if err := u.write(rng, records, size); err != nil {
			return err
		}
	}
	return nil
}

// write makes a commit. About half of its operations concern records that are there.
func (u *user) write(rng *rand.Rand, records map[string]bool, size int) error {
	var writes []map[string]any
	var want []event
	add := func(action, key string) {
		write := map[string]any{"$type": "com.atproto.repo.applyWrites#" + action, "collection": collection, "rkey": key}
		e := event{Event: action, Path: collection + "/" + key}
		if action != "delete" {
			write["value"] = map[string]any{"$type": collection, "n": rng.Int32()}
		}
		writes, want = append(writes, write), append(want, e)
	}
	used := map[string]bool{}
	for key := range records {
		if len(writes) == size/2 {
			break
		}
		used[key] = true
		if rng.IntN(3) == 0 {
			add("update", key)
		} else {
			add("delete", key)
		}
	}
	for len(writes) < size {
		if key := fmt.Sprint("k", rng.IntN(1000)); !used[key] && !records[key] {
			used[key] = true
			add("create", key)
		}
	}
	var out struct {
		Commit  struct{ CID, Rev string }
		Results []struct{ CID string }
	}
	err := u.post("com.atproto.repo.applyWrites", map[string]any{"repo": u.DID, "writes": writes}, &out)
	if err != nil {
		return err
	}
	for i, e := range want {
		e.Rev, e.Commit, e.CID = out.Commit.Rev, out.Commit.CID, out.Results[i].CID
		u.want = append(u.want, e)
		if key := path.Base(e.Path); e.Event == "delete" {
			delete(records, key)
		} else {
			records[key] = true
		}
	}
	u.commits++
	return nil
}

// reimport imports what is there already.
func (u *user) reimport() error {
	var car []byte
	if err := u.get("com.atproto.sync.getRepo?did="+u.DID, &car); err != nil {
		return err
	}
	if err := u.do("POST", "com.atproto.repo.importRepo", "application/vnd.ipld.car", car, nil); err != nil {
		return err
	}
	return u.synced()
}

func (u *user) get(method string, out any) error { return u.do("GET", method, "", nil, out) }

func (u *user) post(method string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return u.do("POST", method, "application/json", body, out)
}

// do sends a request. The answer is decoded from JSON, unless out takes bytes.
func (u *user) do(verb, method, contentType string, body []byte, out any) error {
	req, err := http.NewRequest(verb, u.server.pds+"/xrpc/"+method, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if u.AccessJWT != "" {
		req.Header.Set("Authorization", "Bearer "+u.AccessJWT)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", method, res.Status, answer)
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = answer
		return nil
	default:
		return json.Unmarshal(answer, out)
	}
}
