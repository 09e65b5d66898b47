// Command lexgen writes Go code for a host's lexicons: their types, and for each query, procedure and subscription a
// function that registers it.
//
//	//go:generate go run github.com/pdskit/pdskit/pds/xrpc/lexgen -package things -out things.go lexicons
//
// The argument is a folder with the lexicons' JSON files. Definitions that these refer to elsewhere, in the lexicons that
// package lexicon has built in, are written too, so that the code depends on nothing but this library and indigo.
//
// For com.example.getThing there are
//
//	type GetThingParams struct { … }
//	type GetThingOutput struct { … }
//	func GetThing(policy auth.Policy, fn func(context.Context, *xrpc.Call[GetThingParams]) (*GetThingOutput, error)) xrpc.Method
//
// and for com.example.defs#thing there is ExampleThing. A procedure has an Input; parameters that
// it has besides are for xrpc.DecodeParams. If a body isn't JSON, GetThing makes an xrpc.Raw, whose
// function has the Params. A name that isn't the lexicon's ends in an underscore if something else
// has it. Strings that have a format are of indigo's syntax types, which refuse others when they
// are decoded; what a union doesn't list, and unknown data, stay JSON.
//
// # Why not indigo's generator
//
// Indigo's cmd/lexgen writes a client's side: functions that call methods. Its parameters are arguments, not a struct that
// a handler could be given; its server code is for the echo framework; it maps namespaces to packages by a list that a
// host can't extend; and its record types need a second generator and a registry of types that is global to the program.
package main
