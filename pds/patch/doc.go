// Package patch shows people what they have just written.
//
// An account's own server knows of a write at once, another service only when the event has reached it. In between,
// a post that somebody has just made is missing in what the service answers. A [Patch] puts it in: the server passes a
// query on, sees by the answer's header Atproto-Repo-Rev how far the service has followed the account's repo, and hands
// the answer together with the newer records to the patch.
//
//	patch.Patch{
//		Method:      "com.example.notes.list",
//		Collections: []syntax.NSID{"com.example.note"},
//		Apply: func(ctx context.Context, a *patch.Answer) error {
//			notes, _ := a.Body["notes"].([]any)
//			for _, r := range a.Records {
//				notes = append(notes, map[string]any{"uri": r.URI, "value": r.Value})
//			}
//			a.Body["notes"] = notes
//			return nil
//		},
//	}
//
// A patch never makes an answer worse: if it fails, the client gets what the service has answered. It isn't asked where the
// service doesn't send the header, nor before it knows any record of the account's: then what is new can't be told from what
// was there before it came here.
package patch
