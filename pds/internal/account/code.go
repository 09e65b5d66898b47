package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pdskit/pdskit/pds/xrpc"
	"github.com/pdskit/pdskit/storage"
)

// codeLifetime is how long the code of a letter is good.
const codeLifetime = 15 * time.Minute

var (
	errInvalidCode = xrpc.Errorf("InvalidToken", "Token is invalid")
	errExpiredCode = xrpc.Errorf("ExpiredToken", "Token is expired")
)

// sendCode sends a new code to an account's address. It takes the place of those that the account
// has been sent for the same purpose before. If the letter can't be sent, the new code is good for
// nothing, and those before it stay.
//
// A code is stored as a document whose ID is codeID of it and whose Value is the address. The code
// is good as long as that is the account's address.
func (h *Handler) sendCode(ctx context.Context, a storage.Account, p Purpose) error {
	if h.Mailer == nil {
		h.Logger.WarnContext(ctx, "account: a letter isn't sent, for there is no mailer", "purpose", p, "did", a.DID)
		return nil
	}
	var before []string
	for t, err := range h.Store.ListDocuments(ctx, storage.DocumentRange{Kind: p.kind(), Owner: a.DID}) {
		if err != nil {
			return err
		}
		before = append(before, t.ID)
	}
	code, now := newCode(), h.Now()
	t := storage.Document{
		Kind: p.kind(), ID: h.codeID(p, code), Owner: a.DID, Value: []byte(a.Email),
		IssuedAt: now, ExpiresAt: now.Add(codeLifetime),
	}
	if err := h.Store.PutDocument(ctx, storage.NewDocument{Document: t}); err != nil {
		return err
	}
	err := h.Mailer.Send(ctx, Letter{
		Purpose: p, To: a.Email, DID: a.DID, Handle: a.Handle, Code: code, ExpiresAt: t.ExpiresAt,
	})
	if err != nil {
		h.Accounts.Drop(ctx, t.Kind, t.ID)
		return fmt.Errorf("account: sending a letter: %w", err)
	}
	for _, id := range before {
		h.Accounts.Drop(ctx, t.Kind, id)
	}
	return nil
}

// newCode returns a random code of the form XXXXX-XXXXX, 50 bits in base32.
func newCode() string {
	s := rand.Text()
	return s[:5] + "-" + s[5:10]
}

// codeID is the ID of the document that stands for a code, whatever the case it is typed in. It
// takes the server's secret to compute, so that codes can't be found by trial from a copy of the
// store.
func (h *Handler) codeID(p Purpose, code string) string {
	mac := hmac.New(sha256.New, h.Secret)
	mac.Write([]byte(p.kind() + ":" + strings.ToUpper(strings.TrimSpace(code))))
	return hex.EncodeToString(mac.Sum(nil))
}

// code finds the document of a code that is good, and leaves it there. Errors: InvalidToken, also
// for one that has been used, and ExpiredToken, until the expired document is removed.
func (h *Handler) code(ctx context.Context, p Purpose, code string) (storage.Document, error) {
	t, err := h.Store.Document(ctx, p.kind(), h.codeID(p, code))
	if errors.Is(err, storage.ErrNotFound) {
		return t, errInvalidCode
	}
	if err == nil && !t.ExpiresAt.After(h.Now()) {
		err = errExpiredCode
	}
	return t, err
}

// codeOf is code for the codes of one account only: that of another is InvalidToken, and stays good for its owner.
func (h *Handler) codeOf(ctx context.Context, a storage.Account, p Purpose, code string) (storage.Document, error) {
	t, err := h.code(ctx, p, code)
	if (err == nil || errors.Is(err, errExpiredCode)) && (t.Owner != a.DID || string(t.Value) != a.Email) {
		err = errInvalidCode
	}
	return t, err
}

// spend uses a code up, and then changes its account, provided that the code was sent to what is its address still. Of
// any number of calls with one code at most one changes anything. A failure leaves the code used up. Error: InvalidToken,
// and that of change.
func (h *Handler) spend(ctx context.Context, t storage.Document, change func(*storage.Account) error) error {
	_, err := h.Store.TakeDocument(ctx, t.Kind, t.ID)
	if err == nil {
		_, err = h.Store.UpdateAccount(ctx, t.Owner, func(a *storage.Account) error {
			if a.Email != string(t.Value) {
				return errInvalidCode
			}
			return change(a)
		})
	}
	if errors.Is(err, storage.ErrNotFound) { // the code, or by now the account
		return errInvalidCode
	}
	return err
}
