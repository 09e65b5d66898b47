package pds_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"

	"github.com/pdskit/pdskit/auth/identity/plc"
	"github.com/pdskit/pdskit/auth/keys"
	"github.com/pdskit/pdskit/pds"
	"github.com/pdskit/pdskit/storage"
	"github.com/pdskit/pdskit/storage/memory"
	"github.com/pdskit/pdskit/storage/sqlite"
)

// schema1 says what is in the database of schema version 1.
type schema1 struct {
	Now      time.Time // when its server was stopped
	Code     string    // has been mailed to alice, to confirm her address
	Logins   []*login
	Accounts []*oldAccount
	Events   []struct{ Seq int64 }
	LastSeq  int64
	Tokens   []struct{ Kind, ID string } // of no account
}

// login is what the owner of an account has kept.
type login struct {
	DID                   syntax.DID
	Handle                syntax.Handle
	Password, AppPassword string
	Access, Refresh       string // tokens of a session by the password

	*user               // with these tokens
	account *oldAccount // nil if it was deleted
}

type oldAccount struct {
	Account     storage.Account
	Head        storage.Head
	Records     []struct{ Path, CID, Rev, Takedown string }
	Blobs       []struct{ CID, Takedown string }
	Preferences []json.RawMessage
	Tokens      []struct {
		Kind, Value string
		Issued      time.Time
	}
}

// migrated starts a server of today on a copy of the database of schema version 1, with the
// settings of the server that made it, a moment after that was stopped. The logins are by name.
func migrated(t *testing.T) (*world, *schema1, map[string]*login) {
	t.Helper()
	was := new(schema1)
	noError(t, json.Unmarshal(unzip(t, "contents.json.gz"), was))
	path := filepath.Join(t.TempDir(), "pds.sqlite")
	noError(t, os.WriteFile(path, unzip(t, "pds.db.gz"), 0o600))
	store := openSQLite(t, path, sqlite.Options{})

	ring, err := keys.New(keys.Config{Store: store, Secret: bytes.Repeat([]byte("k"), keys.MinSecret)})
	noError(t, err)
	rotation, err := ring.Signer(t.Context(), "rotation")
	noError(t, err)
	w := &world{directory: oldDirectory(t, was, ring)}
	w.config = pds.Config{
		Store: store, Blobs: memory.NewBlobs(), Keys: ring, RotationKey: rotation,
		PublicURL: "https://pds.example.com", HandleDomains: []string{".test"},
		TokenSecret: []byte("a secret that only tests know"), AdminPassword: "admin-password",
		PLCURL: w.directory.URL, Development: true, Logger: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return was.Now },
	}
	w.Server, err = pds.New(w.config)
	noError(t, err)
	front := httptest.NewServer(w.Server)
	t.Cleanup(front.Close)
	w.url = front.URL

	logins := make(map[string]*login)
	for _, l := range was.Logins {
		l.user = &user{world: w, did: l.DID, access: l.Access, refresh: l.Refresh}
		name, _, _ := strings.Cut(l.Handle.String(), ".")
		logins[name] = l
	}
	for _, a := range was.Accounts {
		for _, l := range was.Logins {
			if l.DID == a.Account.DID {
				l.account = a
			}
		}
	}
	return w, was, logins
}

func unzip(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "storage", "sqlite", "testdata", "schema-1", name))
	noError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	noError(t, err)
	b, err := io.ReadAll(z)
	noError(t, err)
	return b
}

// oldDirectory stands for the PLC directory in which the accounts were registered, and takes new
// ones.
func oldDirectory(t *testing.T, was *schema1, ring *keys.Keyring) *httptest.Server {
	t.Helper()
	fresh, err := plc.NewDirectory(plc.DirectoryConfig{})
	noError(t, err)
	documents := make(map[string]object)
	for _, a := range was.Accounts {
		did := a.Account.DID.String()
		public, err := ring.Public(t.Context(), did)
		noError(t, err)
		documents["/"+did] = object{
			"id": did, "alsoKnownAs": []string{"at://" + a.Account.Handle.String()},
			"verificationMethod": []object{{
				"id": did + "#atproto", "type": "Multikey", "controller": did, "publicKeyMultibase": public.Multibase(),
			}},
			"service": []object{{
				"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example.com",
			}},
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if document, ok := documents[r.URL.Path]; ok && r.Method == http.MethodGet {
			json.NewEncoder(w).Encode(document)
			return
		}
		fresh.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}
