package storagetest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pdskit/pdskit/storage"
)

// elsewhere are the sentences that no test quotes, by what tests them, or by why nothing can.
var elsewhere = map[string][]string{
	"a heading": {
		"Verbs, not transactions.", "How is the backend's business.", "Durability.", "Consistency.", "Concurrency.",
		"Who retries: nobody, inside.", "Context.", "Absence.", "Ownership.", "Bytes.", "Time.",
	},
	"the faults tier": {
		"When it returns an error other than a sentinel of this package, the write may or may not have happened (the caller " +
			"reads to find out), but never by half.",
	},
	"RunReopen": {
		"When a writing method returns nil, what it wrote survives the end of the process and of the machine's power.",
	},
	"RunBlobs": {"Their bytes are in a [Blobs]."},
	"a promise of the caller": {
		"It must not alter ID and DID.", "A limit is positive, unless a comment gives 0 a meaning.",
		"The caller doesn't change them either.",
		"An upload stores the bytes first, and then calls PutBlob, and then looks whether the bytes are still there: they " +
			"may not be if the blob was just being deleted.",
	},
	"a hint or a permission": {
		"Most calls ask for nodes.", "Its cost may grow with the repo.",
		"A server that was restored from a backup, or that takes the place of another one, does this so that it doesn't give " +
			"numbers that its readers have seen with other events.",
		"A snapshot may last for minutes, while a slow client downloads a large repo.",
		"A store may cut one that has lasted for a minute or longer, as it may a listing: all reads that follow, and the " +
			"listing under way, then end with [ErrCut].",
		"Maintainer is an optional capability, found with [As]: the store has garbage to remove in the background, such as " +
			"the rows of a repo that was replaced.",
		"A server calls Maintain every few minutes.",
		"Sizer is an optional capability, found with [As]: the store says how much room its content takes.",
	},
	"the backend's own tests, since it takes more than a minute": {
		"Reads that were cut never look as if they had come to their end.",
	},
	"a benchmark, if anything": {
		"Its cost may grow with their number, not with that of others.",
		"Its cost grows with what it yields.",
		"Its cost grows with what it yields, not with the number of repos.",
		"Its cost grows with what it yields, not with the number of accounts.",
		"Its cost grows with what it yields, not with the number of records and blobs.",
		"Its cost grows with the account's references, not with the number of accounts.",
		"Writes of many repos that wait at the same moment should share one flush to the disk.",
	},
}

// TestEverySentence holds the tests against the comments of package storage: each sentence of each method is quoted by
// one, and each quotation is still there.
func TestEverySentence(t *testing.T) {
	comments := readContracts(t)
	untested := slices.Concat(slices.Collect(maps.Values(elsewhere))...)
	quoted := make(map[string][]string)
	for _, p := range slices.Concat(sentences(), lockSentences, memorySentences, costs, races) {
		if !strings.Contains(comments[p.of], p.says) {
			t.Errorf("%s/%s: %s doesn't say %q", p.of, p.name, p.of, p.says)
		}
		quoted[p.of] = append(quoted[p.of], p.says)
	}
	said := make(map[string]bool)
	for of, comment := range comments {
		for _, says := range split(comment) {
			said[says] = true
			if !slices.ContainsFunc(quoted[of], func(q string) bool {
				return strings.Contains(q, strings.TrimSuffix(says, ".")) || strings.Contains(says, q)
			}) && !slices.Contains(untested, says) {
				t.Errorf("%s: no test for %q", of, says)
			}
		}
	}
	for _, says := range untested {
		if !said[says] {
			t.Errorf("no contract says %q", says)
		}
	}
}

// readContracts returns the comments of package storage: of its rules as "Store", of each interface and each method.
func readContracts(t *testing.T) map[string]string {
	files, err := fs.Glob(os.DirFS(".."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	comments := make(map[string]string)
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), "../"+name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if f.Doc != nil {
			_, rules, _ := strings.Cut(f.Doc.Text(), "not repeated there:")
			comments["Store"] += strings.TrimPrefix(oneLine(rules), "- ")
		}
		ast.Inspect(f, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || len(decl.Specs) != 1 {
				return true
			}
			spec, ok := decl.Specs[0].(*ast.TypeSpec)
			if !ok {
				return true
			}
			iface, ok := spec.Type.(*ast.InterfaceType)
			if !ok || spec.Name.Name == "Blobs" || spec.Name.Name == "Store" {
				return true
			}
			comments[spec.Name.Name] = oneLine(decl.Doc.Text())
			for _, m := range iface.Methods.List {
				for _, name := range m.Names {
					comments[fmt.Sprint(spec.Name.Name, ".", name.Name)] = oneLine(m.Doc.Text())
				}
			}
			return false
		})
	}
	return comments
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(" - ", " ", "’", "'").Replace(s)
}

// split returns the sentences of a comment, and the parts of those that list errors.
func split(comment string) []string {
	var says []string
	for len(comment) > 0 {
		end := len(comment)
		for i := 0; i+2 < len(comment); i++ {
			if comment[i] == '.' && comment[i+1] == ' ' && strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZ", rune(comment[i+2])) {
				end = i + 1
				break
			}
		}
		part := comment[:end]
		comment = strings.TrimSpace(comment[end:])
		list, isList := strings.CutPrefix(part, "Errors: ")
		if !isList {
			says = append(says, part)
			continue
		}
		says = append(says, strings.Split(strings.TrimSuffix(list, "."), "; ")...)
	}
	return says
}

// TestFaultyWrapsEveryWrite looks for a method of a store that neither reads nor is one of Faulty's own.
func TestFaultyWrapsEveryWrite(t *testing.T) {
	reads := []string{
		"Account", "AccountByHandle", "AccountByEmail", "ListAccounts", "DueAccounts",
		"Head", "Blocks", "Record", "Records", "Collections", "Stats", "Snapshot", "ListByCollection",
		"ListEvents", "WaitEvents", "LastSeq", "Document", "ListDocuments", "CountDocuments", "Blob", "ListBlobs",
		"ListTakedowns",
	}
	f, err := parser.ParseFile(token.NewFileSet(), "faulty.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var writes []string
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
			writes = append(writes, fn.Name.Name)
		}
	}
	for m := range reflect.TypeFor[storage.Store]().Methods() {
		if slices.Contains(reads, m.Name) == slices.Contains(writes, m.Name) {
			t.Errorf("%s: Faulty has to wrap it if it writes, and only then", m.Name)
		}
	}
}
