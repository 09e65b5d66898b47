package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"github.com/ipfs/go-cid"

	"github.com/pdskit/pdskit/storage"
)

// Network is a server elsewhere as a [Source]: any PDS, over its public endpoints. It gives the public parts only.
type Network struct {
	// Required.

	// URL is the server's, such as "https://pds.example.com".
	URL string

	// HTTP makes all requests. If the URL is someone else's choice, it has to be guarded. Its Timeout has to be zero, since
	// a repo and the event stream take as long as they take; that of its dialer and of response headers needn't.
	HTTP *http.Client

	// Optional.

	// Idle is for how long there have been no events when Events takes it that there are no more for now. If zero, three
	// seconds.
	Idle time.Duration

	// Now is the clock. If nil, time.Now.
	Now func() time.Time

	// Logger is told of lost connections, and of frames that make no sense. If nil, slog.Default().
	Logger *slog.Logger
}

var _ Source = (*Network)(nil)

func (n *Network) logger() *slog.Logger {
	if n.Logger == nil {
		return slog.Default()
	}
	return n.Logger
}

// maxAnswer bounds a JSON answer.
const maxAnswer = 4 << 20

// apiError is an error that the server answers with.
type apiError struct {
	Status        int
	Name, Message string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Name, e.Message) }

// open requests a query's answer.
func (n *Network) open(ctx context.Context, method string, params url.Values) (io.ReadCloser, error) {
	address := strings.TrimSuffix(n.URL, "/") + "/xrpc/" + method + "?" + params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	res, err := n.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	defer res.Body.Close()
	var answer struct{ Error, Message string }
	body, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	_ = json.Unmarshal(body, &answer) // what isn't JSON says nothing more
	return nil, fmt.Errorf("backup: %s: %w", method, &apiError{res.StatusCode, answer.Error, answer.Message})
}

func (n *Network) query(ctx context.Context, method string, params url.Values, out any) error {
	body, err := n.open(ctx, method, params)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("backup: %s: %w", method, err)
	}
	return nil
}

// repoError adds the sentinel that an answer about a repo stands for.
func repoError(err error) error {
	var api *apiError
	if !errors.As(err, &api) {
		return err
	}
	switch api.Name {
	case "RepoNotFound":
		return fmt.Errorf("%w: %w", ErrNoRepo, err)
	case "RepoTakendown", "RepoSuspended", "RepoDeactivated":
		return fmt.Errorf("%w: %w", ErrInactive, err)
	}
	return err
}

// Accounts implements [Source].
func (n *Network) Accounts(ctx context.Context) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		for cursor, more := "", true; more; {
			var page struct {
				Cursor string
				Repos  []struct {
					DID    syntax.DID
					Rev    syntax.TID
					Active *bool
					Status storage.AccountStatus
				}
			}
			params := url.Values{"limit": {"1000"}}
			if cursor != "" {
				params.Set("cursor", cursor)
			}
			if err := n.query(ctx, "com.atproto.sync.listRepos", params, &page); err != nil {
				yield(Listed{}, err)
				return
			}
			for _, r := range page.Repos {
				l := Listed{DID: r.DID, Rev: r.Rev}
				if r.Active != nil && !*r.Active {
					l.Status = r.Status
				}
				if !yield(l, nil) {
					return
				}
			}
			more = page.Cursor != "" && page.Cursor != cursor && len(page.Repos) > 0
			cursor = page.Cursor
		}
	}
}

// Handle implements [Source].
func (n *Network) Handle(ctx context.Context, did syntax.DID) (syntax.Handle, error) {
	var out struct{ Handle syntax.Handle }
	if err := n.query(ctx, "com.atproto.repo.describeRepo", url.Values{"repo": {string(did)}}, &out); err != nil {
		return "", repoError(err)
	}
	if out.Handle.IsInvalidHandle() {
		return "", nil
	}
	return out.Handle.Normalize(), nil
}

// Repo implements [Source].
func (n *Network) Repo(ctx context.Context, did syntax.DID) (io.ReadCloser, error) {
	body, err := n.open(ctx, "com.atproto.sync.getRepo", url.Values{"did": {string(did)}})
	return body, repoError(err)
}

// Blob implements [Source].
func (n *Network) Blob(ctx context.Context, did syntax.DID, c cid.Cid) (io.ReadCloser, error) {
	body, err := n.open(ctx, "com.atproto.sync.getBlob", url.Values{"did": {string(did)}, "cid": {c.String()}})
	var api *apiError
	if errors.As(err, &api) && api.Status < 500 && api.Status != http.StatusTooManyRequests {
		return nil, fmt.Errorf("%w: %w", ErrNoBlob, err)
	}
	return body, err
}
