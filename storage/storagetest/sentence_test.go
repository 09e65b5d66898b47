package storagetest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
)

// elsewhere are the sentences that the contract tier doesn't test, with what does, or why nothing can.
var elsewhere = map[string]string{
	"How is the backend's business.": "says nothing that could be broken",
	"Durability.":                    "a heading",
	"Consistency.":                   "a heading",
	"Concurrency.":                   "a heading",
	"Context.":                       "a heading",
	"Who retries: nobody, inside.":   "a heading",
	"Absence.":                       "a heading",
	"Verbs, not transactions.":       "a heading",
	"When a writing method returns nil, what it wrote survives the end of the process and of the machine's power.": "RunReopen",
	"When it returns an error other than a sentinel of this package, the write may or may not have happened (the caller " +
		"reads to find out), but never by half.": "the faults tier",
	"Every method may be called from many goroutines at once.": "the race tier",
	"Ownership.": "a heading",
	"Time.":      "a heading",
	"The name of an account's signing key is the account's DID.": "DeleteAccount's test",

	"Of two calls that race for a DID, handle or address exactly one succeeds.": "the race tier",
	"It must not alter ID and DID.":                                             "a promise of the caller",

	"Most calls ask for nodes.":                                                                                            "a hint",
	"Memory doesn't grow with their number.":                                                                               "a benchmark's matter",
	"Its cost may grow with the repo.":                                                                                     "a permission",
	"Its cost grows with their number, not with that of the records.":                                                      "a benchmark's matter",
	"A snapshot may last for minutes, while a slow client downloads a large repo.":                                         "a hint",
	"Writes of many repos that wait at the same moment should share one flush to the disk.":                                "a benchmark's matter",
	"Memory doesn't grow with the number of rows, and other writers go on meanwhile.":                                      "the second half",
	"Events become visible in order: a reader who has seen number n will never find a number below n that it hadn't seen.": "the race tier",

	"Their bytes are in a [Blobs].": "RunBlobs",
	"An upload stores the bytes first, and then calls PutBlob, and then looks whether the bytes are still there: they may " +
		"not be if the blob was just being deleted.": "a promise of the caller",
}

// TestEverySentence holds the contract tier against the comments of package storage: each sentence of each method is
// quoted by a test, and each quotation is still there.
func TestEverySentence(t *testing.T) {
	comments := readContracts(t)
	quoted := make(map[string][]string)
	for _, p := range sentences() {
		if !strings.Contains(comments[p.of], p.says) {
			t.Errorf("%s/%s: %s doesn't say %q", p.of, p.name, p.of, p.says)
		}
		quoted[p.of] = append(quoted[p.of], p.says)
	}
	used := make(map[string]bool)
	for of, comment := range comments {
		for _, says := range split(comment) {
			if _, ok := elsewhere[says]; ok {
				used[says] = true
				continue
			}
			if !slices.ContainsFunc(quoted[of], func(q string) bool {
				return strings.Contains(q, strings.TrimSuffix(says, ".")) || strings.Contains(says, q)
			}) {
				t.Errorf("%s: no test for %q", of, says)
			}
		}
	}
	for says := range elsewhere {
		if !used[says] {
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
			if !ok || spec.Name.Name == "Blobs" || spec.Name.Name == "Store" || spec.Name.Name == "Maintainer" {
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
		for _, e := range strings.Split(strings.TrimSuffix(list, "."), "; ") {
			says = append(says, e)
		}
	}
	return says
}
