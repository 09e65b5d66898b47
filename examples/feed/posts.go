package main

import (
	"cmp"
	"context"
	"strings"

	"github.com/bluesky-social/indigo/atproto/syntax"
	"zombiezen.com/go/sqlite"

	"github.com/pdskit/pdskit/auth"
	"github.com/pdskit/pdskit/pds/xrpc"
)

type getPostsParams struct {
	Limit  int64  `json:"limit,omitempty" default:"50" min:"1" max:"100"`
	Cursor string `json:"cursor,omitempty"`
}

type postList struct {
	Cursor string `json:"cursor,omitempty"` // "" at the end
	Posts  []post `json:"posts"`
}

type post struct {
	URI   syntax.ATURI `json:"uri"`
	CID   string       `json:"cid"`
	Text  string       `json:"text"`
	Edits int64        `json:"edits"`
}

// getPosts lists the posts of all active accounts, the newest first.
func getPosts(t *table) xrpc.Method {
	return xrpc.Query("com.example.feed.getPosts", auth.Public,
		func(ctx context.Context, c *xrpc.Call[getPostsParams]) (*postList, error) {
			rkey, did, ok := strings.Cut(cmp.Or(c.Input.Cursor, "\x7f "), " ") // greater than any record key
			if !ok {
				return nil, xrpc.InvalidRequest("cursor must be one of an earlier answer")
			}
			out := &postList{Posts: []post{}}
			err := t.with(ctx, func(conn *sqlite.Conn) error {
				return query(conn, func(row *sqlite.Stmt) {
					rkey, did = row.ColumnText(0), row.ColumnText(1)
					out.Posts = append(out.Posts, post{
						URI:  syntax.ATURI("at://" + did + "/" + collection + "/" + rkey),
						CID:  row.ColumnText(2),
						Text: row.ColumnText(3), Edits: row.ColumnInt64(4),
					})
				}, `SELECT rkey, did, cid, text, edits FROM posts JOIN accounts USING (did)
					WHERE active AND (rkey, did) < (?, ?) ORDER BY rkey DESC, did DESC LIMIT ?`, rkey, did, c.Input.Limit)
			})
			if int64(len(out.Posts)) == c.Input.Limit {
				out.Cursor = rkey + " " + did
			}
			return out, err
		})
}
