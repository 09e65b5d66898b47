// Package pds is a Personal Data Server of the AT Protocol, to be mounted in a Go program.
//
//	srv, err := pds.New(pds.Config{
//		Store:       store,   // storage/sqlite, or your own
//		Blobs:       blobs,   // storage/disk, or your own
//		PublicURL:   "https://pds.example.com",
//		TokenSecret: secret,
//		Keys:        keyring, // auth/keys, or your own
//		RotationKey: rotationKey,
//	})
//	srv.Mount(mux)      // or serve srv itself, which is an http.Handler
//	go srv.Run(ctx)     // upkeep
//
// [New] opens and starts nothing: what the host opens, it closes.
//
// # How do I …
//
// Run it:
//
//   - run it beside the handlers that I have: [Server.Mount], and the program examples/mount
//   - run it alone: [Server.ServeHTTP], and the program examples/standalone
//   - keep it tidy, and have relays crawl it: [Server.Run], [Config.Relays]
//   - limit streams, uploads and imports: [Config.StreamsPerAddress], [Config.MaxBlob], [Config.MaxImport]; for limits of
//     my own, a handler around the server, and [Hooks]
//   - know the client's address behind a proxy: [Config.ClientAddress]
//   - measure requests, and log what goes wrong: Measure of [Hooks], [Config.Logger]
//   - run it without the public network: [Config.PLCURL] and a [plc.Directory], [Config.OfflineLexicons],
//     [Config.LookupTXT], [Config.Development]
//
// Extend it:
//
//   - add an endpoint: [Server.Handle], with a method made by package [xrpc]; the program examples/endpoint
//   - add one whose body isn't JSON: [xrpc.Raw]
//   - add a subscription: [xrpc.Subscription], and the program examples/chat
//   - replace a built-in endpoint: [Server.Handle] with [xrpc.Override]; put a condition around it: [xrpc.Method.Around]
//   - have records and endpoints of my own checked: [Config.Lexicons]; without a server, package [lexicon]
//   - get Go types for my lexicons: the command [github.com/pdskit/pdskit/pds/xrpc/lexgen]
//   - refuse what a request wants: [Hooks], and [xrpc.Errorf] for what the client is told
//   - keep preferences of my own apps: [Config.Preferences]
//   - test my app against a server, as any caller: package [github.com/pdskit/pdskit/pds/pdstest]
//
// Accounts and callers:
//
//   - give accounts to the users that I have: [Server.CreateAccount], [Server.SignIn], and the program examples/sso
//   - delete an account: [Server.DeleteAccount]; find one by its handle: [storage.Accounts], which Config.Store is
//   - log somebody out everywhere: [session.Issuer.RevokeAll]
//   - make, list and bring along app passwords: [session.AppPasswords]
//   - know callers by my own cookies or tokens: [Config.Authenticators]
//   - say who may call a method: the policies of package [auth], [auth.PolicyFunc], and [auth.Policy.OrApp] for apps
//   - say in what standing the caller's account must be: [auth.Policy.In], [auth.Policy.Unasked]
//   - admit accounts of other servers to a method: [auth.Service], [auth.Policy.Or]
//   - ask another service in an account's name: [service.Token]
//   - send letters, for a new password for instance: [Config.Mailer]
//   - close sign-up, or handles: [Config.InviteRequired], [Hooks]
//   - be the operator, or have a moderation service: [Config.AdminPassword], [Config.Moderators]
//
// Data:
//
//   - read and write records from Go: [Server.Repo]; as values of a Go type, [Records]; several at once, [Repo.Apply]
//   - read and write blobs from Go: [Repo.PutBlob], [Repo.OpenBlob]
//   - watch what happens: [Server.Events]
//   - keep a table, an index or a counter that is made of records: package [firehose], and the program examples/feed
//   - tell other programs what happens: package [github.com/pdskit/pdskit/pds/webhook]
//   - back up and restore: package [github.com/pdskit/pdskit/pds/backup]
//   - bring back an older copy of a store: [Server.RaiseSeq]
//   - check that a repo is whole: [Repo.Verify]
//
// Other services:
//
//   - have methods answered elsewhere, by an AppView for instance: [Config.Proxy]
//   - show people what they have just written in such answers: Patches of [Proxy], and package [patch]
//
// Backends:
//
//   - keep data elsewhere: implement package [storage], or embed a store and replace a part of it; prove it by package
//     [github.com/pdskit/pdskit/storage/storagetest]; the program examples/backend
//   - sign with a KMS: implement [Keys], and for the rotation key a [plc.Signer]; the program examples/kms
//   - register identities otherwise, or resolve them: [Config.Registrar], [Config.Directory]
package pds
