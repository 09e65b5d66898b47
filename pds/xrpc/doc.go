// Package xrpc is the one HTTP edge: every method of a server, the library's own and the host's alike, is a [Method]
// that a [Mux] serves under /xrpc/. A host's methods go to the Handle of its pds.Server, which has the Mux.
//
// A method is made from a typed function:
//
//	xrpc.Query("com.example.getThing", auth.Public,
//		func(ctx context.Context, c *xrpc.Call[thingParams]) (*thing, error) { … })
//
// The policy is an argument like any other, so no method can be without one. It has the same place
// in every constructor: [Query] and [Procedure] for JSON, [Raw] for other bodies, [Subscription]
// for streams.
//
// A request goes through fixed steps: find the method, limit the body, authenticate, apply the
// policy, decode and check the input, call, encode. Only an [*Error], and what [MuxConfig]
// translates to one, reach the client; any other error is logged and answered with 500
// InternalServerError.
//
// # Parameters
//
// The fields of a query's input are its parameters, by their json tags:
//
//	type listParams struct {
//		Repo   syntax.AtIdentifier `json:"repo"`                                    // required
//		Limit  int64               `json:"limit,omitempty" default:"50" min:"1" max:"100"`
//		Cursor *int64              `json:"cursor,omitempty"`                        // nil if it isn't given
//		CIDs   []cid.Cid           `json:"cids"`                                    // at least one
//	}
//
// A field is a string, an integer, a bool, a type that implements [encoding.TextUnmarshaler], or a pointer to one of these
// or a slice of them. It is required unless its tag says omitempty. An empty one counts as missing, as does an empty string
// in a procedure's input. Parameters that aren't fields are ignored, as is the rest of the JSON of a procedure's input.
//
// # Lexicons
//
// If [MuxConfig] has lexicons, a method is held against its own: its Go types when it is
// registered, each request after it has been decoded, and in development what it answers or
// streams. Of a [Raw] method, it is the parameters. Command lexgen writes the types, and a function
// that registers the method, from a lexicon.
//
// Spec: https://atproto.com/specs/xrpc
package xrpc
