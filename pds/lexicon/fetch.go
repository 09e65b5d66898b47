package lexicon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/bluesky-social/indigo/atproto/identity"
	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/repo/data"
)

// schemaCollection is where lexicons are published.
const schemaCollection = "com.atproto.lexicon.schema"

// maxProof bounds what is read of a record and its proof, in bytes.
const maxProof = 1 << 20

// fetch resolves a lexicon now. Every error is ErrNotFound or ErrResolution.
func (r *Resolver) fetch(ctx context.Context, id syntax.NSID) (*Resolved, error) {
	found, err := r.fetchRecord(ctx, id)
	switch {
	case err == nil:
		return found, nil
	case errors.Is(err, ErrNotFound):
		return nil, fmt.Errorf("lexicon: %s: %w", id, err)
	}
	return nil, fmt.Errorf("%w: %s: %w", ErrResolution, id, err)
}

func (r *Resolver) fetchRecord(ctx context.Context, id syntax.NSID) (*Resolved, error) {
	did, err := r.authority(ctx, id)
	if err != nil {
		return nil, err
	}
	owner, err := r.cfg.Directory.LookupDID(ctx, did)
	if errors.Is(err, identity.ErrDIDNotFound) {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	if err != nil {
		return nil, err
	}
	proof, err := r.fetchProof(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	key, err := owner.PublicKey()
	if err != nil {
		return nil, err
	}
	c, block, err := provenRecord(proof, did, schemaCollection+"/"+id.String(), key)
	if err != nil {
		return nil, err
	}
	return newResolved(did, id, c, block)
}

// authority finds the account that publishes the lexicons of an ID's group. Groups above and below it don't count.
func (r *Resolver) authority(ctx context.Context, id syntax.NSID) (syntax.DID, error) {
	if r.cfg.Authority != "" {
		return r.cfg.Authority, nil
	}
	records, err := r.cfg.LookupTXT(ctx, "_lexicon."+id.Authority())
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return "", fmt.Errorf("%w: no authority in DNS", ErrNotFound)
	}
	if err != nil {
		return "", err
	}
	var dids []string
	for _, record := range records {
		if did, ok := strings.CutPrefix(record, "did="); ok {
			dids = append(dids, did)
		}
	}
	switch len(dids) {
	case 0:
		return "", fmt.Errorf("%w: no authority in DNS", ErrNotFound)
	case 1:
		return syntax.ParseDID(dids[0])
	}
	return "", errors.New("more than one authority in DNS")
}

// fetchProof fetches a CAR file with the record, or with the proof that there is none.
func (r *Resolver) fetchProof(ctx context.Context, owner *identity.Identity, id syntax.NSID) ([]byte, error) {
	query := url.Values{"did": {owner.DID.String()}, "collection": {schemaCollection}, "rkey": {id.String()}}
	host := strings.TrimSuffix(owner.PDSEndpoint(), "/")
	if host == "" {
		return nil, fmt.Errorf("%w: %s has no server", ErrNotFound, owner.DID)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, host+"/xrpc/com.atproto.sync.getRecord?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.ipld.car")
	resp, err := r.cfg.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProof+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxProof:
		return nil, fmt.Errorf("more than %d bytes", maxProof)
	case resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusNotFound:
		return nil, refusal(body)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers with status %d", host, resp.StatusCode)
	}
	return body, nil
}

// refusal tells a repo or record that isn't there from other reasons not to answer.
func refusal(body []byte) error {
	var answer struct {
		Error string `json:"error"`
	}
	err := json.Unmarshal(body, &answer)
	switch answer.Error {
	case "RecordNotFound", "RepoNotFound", "RepoTakendown", "RepoSuspended", "RepoDeactivated":
		return fmt.Errorf("%w: %s", ErrNotFound, answer.Error)
	}
	return errors.Join(errors.New("the request was refused"), err)
}

// newResolved makes a lexicon of a record's block.
func newResolved(did syntax.DID, id syntax.NSID, c cid.Cid, block []byte) (*Resolved, error) {
	record, err := data.Decode(block)
	if err != nil {
		return nil, err
	}
	if record["$type"] != schemaCollection {
		return nil, fmt.Errorf("the record's $type is %v", record["$type"])
	}
	source, err := json.Marshal(record)
	if err != nil {
		return nil, err
	}
	doc, err := parseDocument(source)
	if err != nil {
		return nil, err
	}
	if doc.id() != id {
		return nil, fmt.Errorf("the record is the lexicon %s", doc.id())
	}
	uri := syntax.ATURI("at://" + did.String() + "/" + schemaCollection + "/" + id.String())
	return &Resolved{URI: uri, CID: c, Record: record, doc: doc, size: len(block)}, nil
}
