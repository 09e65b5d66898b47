package pds_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// A function handed down as a field is an arrow that the layering's tables can't see. What a domain
// needs of another it gets as an object of package hosting, or by an interface of its own. The few
// that are left are the host program's hooks. Clocks are no arrows.
const maxFunctionFields = 12

// A backend is a page: whoever writes one reads every method's contract. A verb for what others
// together can do is one too many.
const maxStoreMethods = 39

// What a package exports has to be known by everybody who reads a signature of it. Package auth is
// who calls and what they may; what makes sessions, passwords and service tokens has packages of
// its own. Package plc is what a program needs that runs or asks a PLC directory; operations are
// made by its registrar.
var maxExported = map[string]int{"auth": 50, "auth/identity/plc": 30}

// "Server" in a sentence is the PDS. The other type is what a backup keeps of one.
const maxServers = 2

func TestFunctionFields(t *testing.T) {
	found := functionFields(parseModule(t))
	t.Logf("pds/internal has %d fields that are functions, clocks aside, of at most %d:\n%s",
		len(found), maxFunctionFields, strings.Join(found, "\n"))
	if len(found) > maxFunctionFields {
		t.Error("too many: hand down the object, or move the rule to package hosting")
	}
}

func TestStoreMethods(t *testing.T) {
	n := reflect.TypeFor[storage.Store]().NumMethod()
	t.Logf("storage.Store has %d methods, of at most %d", n, maxStoreMethods)
	if n > maxStoreMethods {
		t.Error("too many: a backend is a page")
	}
}

func TestExportedNames(t *testing.T) {
	all := parseModule(t)
	for path, most := range maxExported {
		names := exported(all[path])
		t.Logf("package %s exports %d names, of at most %d: %s", path, len(names), most, strings.Join(names, " "))
		if len(names) > most || len(names) == 0 {
			t.Errorf("package %s: too many, or none at all", path)
		}
	}
}

func TestServers(t *testing.T) {
	var found []string
	for path, files := range parseModule(t) {
		for spec := range typeSpecs(files) {
			if spec.Name.Name == "Server" {
				found = append(found, path)
			}
		}
	}
	t.Logf("packages with a type named Server, of at most %d: %s", maxServers, strings.Join(found, " "))
	if len(found) > maxServers || !slices.Contains(found, "pds") {
		t.Error("too many, or not that of package pds: say what it serves in its name")
	}
}

// The counts see what they are there to see.
func TestCounts(t *testing.T) {
	const source = `package p
		type F func()
		type G F
		type T struct {
			A, B func()
			C F
			D map[string]func() error
			E struct { f G }
			Now, now func() time.Time
			N int
		}
		func (T) M() {}
		func Do(func()) { type Server int }
		func do() {}
		const Const, other = 1, 2
		var Var T`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	noError(t, err)
	all := map[string][]*ast.File{"pds/internal/p": {file}, "pds/p": {file}}
	if got, want := fmt.Sprint(functionFields(all)), "[p.A p.B p.C p.D p.f]"; got != want {
		t.Errorf("fields: %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(exported([]*ast.File{file})), "[Const Do F G T Var]"; got != want {
		t.Errorf("names: %s, want %s", got, want)
	}
	servers := 0
	for spec := range typeSpecs(all["pds/p"]) {
		if spec.Name.Name == "Server" {
			servers++
		}
	}
	if servers != 1 {
		t.Errorf("%d types named Server, want the one in Do", servers)
	}
}

// functionFields names the fields of structs in pds/internal that are, or hold, functions.
func functionFields(all map[string][]*ast.File) (found []string) {
	named := functionTypes(all)
	for path, files := range all {
		if !strings.HasPrefix(path, "pds/internal/") {
			continue
		}
		for _, file := range files {
			pkg := file.Name.Name
			for field := range structFields(file) {
				if !isFunction(field.Type, pkg, named) {
					continue
				}
				for _, name := range field.Names {
					if !strings.EqualFold(name.Name, "now") {
						found = append(found, pkg+"."+name.Name)
					}
				}
			}
		}
	}
	slices.Sort(found)
	return found
}

// structFields yields the fields of all structs of a file.
func structFields(file *ast.File) iter.Seq[*ast.Field] {
	return func(yield func(*ast.Field) bool) {
		for node := range ast.Preorder(file) {
			s, ok := node.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range s.Fields.List {
				if !yield(field) {
					return
				}
			}
		}
	}
}

// functionTypes returns the types of the module that are functions, by package name, dot and name.
func functionTypes(all map[string][]*ast.File) map[string]bool {
	named := make(map[string]bool)
	for before := -1; before < len(named); { // a type may be made of one found in the round before
		before = len(named)
		for _, files := range all {
			for spec := range typeSpecs(files) {
				pkg := files[0].Name.Name
				_, isStruct := spec.Type.(*ast.StructType)
				if !isStruct && isFunction(spec.Type, pkg, named) {
					named[pkg+"."+spec.Name.Name] = true
				}
			}
		}
	}
	return named
}

// isFunction reports whether a type is a function, or a slice, map, channel or pointer of
// functions.
func isFunction(x ast.Expr, pkg string, named map[string]bool) bool {
	switch x := x.(type) {
	case *ast.FuncType:
		return true
	case *ast.Ident:
		return named[pkg+"."+x.Name]
	case *ast.SelectorExpr:
		from, ok := x.X.(*ast.Ident)
		return ok && named[from.Name+"."+x.Sel.Name]
	case *ast.IndexExpr:
		return isFunction(x.X, pkg, named)
	case *ast.ArrayType:
		return isFunction(x.Elt, pkg, named)
	case *ast.MapType:
		return isFunction(x.Value, pkg, named)
	case *ast.ChanType:
		return isFunction(x.Value, pkg, named)
	case *ast.StarExpr:
		return isFunction(x.X, pkg, named)
	}
	return false
}

// exported returns the names that a package exports: not those of methods and fields.
func exported(files []*ast.File) (names []string) {
	add := func(ids ...*ast.Ident) {
		for _, id := range ids {
			if id.IsExported() {
				names = append(names, id.Name)
			}
		}
	}
	for _, file := range files {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				add(f.Name)
			}
			d, _ := decl.(*ast.GenDecl)
			if d == nil {
				continue
			}
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name)
				case *ast.ValueSpec:
					add(spec.Names...)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// typeSpecs yields the declarations of types, those within functions too.
func typeSpecs(files []*ast.File) iter.Seq[*ast.TypeSpec] {
	return func(yield func(*ast.TypeSpec) bool) {
		for _, file := range files {
			for node := range ast.Preorder(file) {
				if spec, ok := node.(*ast.TypeSpec); ok && !yield(spec) {
					return
				}
			}
		}
	}
}

// parseModule returns the files of each package of the module, by its path in it, without those of
// tests.
func parseModule(t *testing.T) map[string][]*ast.File {
	t.Helper()
	all := make(map[string][]*ast.File)
	set := token.NewFileSet()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && (name[0] == '.' || name[0] == '_' || name == "testdata"):
			return fs.SkipDir
		case d.IsDir(), !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel("..", filepath.Dir(path))
		all[filepath.ToSlash(dir)] = append(all[filepath.ToSlash(dir)], file)
		return err
	})
	noError(t, err)
	return all
}
