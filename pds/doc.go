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
//   - add an endpoint: [Server.Handle], with a method made by package xrpc
//   - replace a built-in endpoint: [Server.Handle] with xrpc.Override
//   - have records and endpoints of my own checked: [Config.Lexicons], and command pds/xrpc/lexgen for their Go types
//   - refuse what a request wants, or measure it: [Hooks]
//   - give accounts to the users that I have: [Server.CreateAccount], [Server.SignIn], [Config.Authenticators]
//   - read and write records from Go: [Server.Repo], [Records]
//   - watch what happens: [Server.Events]
//   - keep data elsewhere: implement package storage, and prove it by storagetest
//   - sign with a KMS: implement [Keys]
//   - test my app against a server: package pdstest
package pds
