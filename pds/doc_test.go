package pds_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestIndex: what the package's documentation refers to is there, in this package, in others and among the programs. What
// stands in brackets and isn't a link for the go tool, since it is misspelt or gone, is found, too.
func TestIndex(t *testing.T) {
	pkg := parsePackage(t, ".")
	for _, program := range regexp.MustCompile(`examples/\w+`).FindAllString(pkg.Doc, -1) {
		if _, err := os.Stat(filepath.Join("..", program)); err != nil {
			t.Error(err)
		}
	}
	others := map[string]*doc.Package{}
	links := 0
	eachText(pkg.Parser().Parse(pkg.Doc).Content, func(text comment.Text) {
		switch text := text.(type) {
		case comment.Plain:
			for _, name := range regexp.MustCompile(`\[[^\]\s]+\]`).FindAllString(string(text), -1) {
				t.Errorf("%s is no link", name)
			}
		case *comment.DocLink:
			links++
			path, ours := strings.CutPrefix(text.ImportPath, module)
			if text.ImportPath == "" || !ours {
				return // of this package, where the parser has looked it up; or of a package elsewhere
			}
			if others[path] == nil {
				others[path] = parsePackage(t, filepath.Join("..", path))
			}
			if text.Name != "" && !others[path].Parser().LookupSym(text.Recv, text.Name) {
				t.Errorf("package %s has no %s.%s", path, text.Recv, text.Name)
			}
		}
	})
	if links < 40 {
		t.Errorf("only %d links", links)
	}
}

// parsePackage parses the package in a folder, without its tests.
func parsePackage(t *testing.T, dir string) *doc.Package {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no package in %s: %v", dir, err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	pkg, err := doc.NewFromFiles(fset, files, module+filepath.Base(dir))
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// eachText calls f with all texts of blocks, those of lists too.
func eachText(blocks []comment.Block, f func(comment.Text)) {
	for _, block := range blocks {
		switch block := block.(type) {
		case *comment.Paragraph:
			for _, text := range block.Text {
				f(text)
			}
		case *comment.List:
			for _, item := range block.Items {
				eachText(item.Content, f)
			}
		}
	}
}
