package lexicon_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pdskit/pdskit/pds/lexicon"
)

// large returns the JSON of a lexicon whose definitions have lists of a length.
func large(id string, length int) *fstest.MapFile {
	var properties, words, numbers []string
	for i := range length {
		properties = append(properties, fmt.Sprintf(`"p%06d": {"type": "boolean"}`, i))
		words = append(words, fmt.Sprintf(`"a/%06d"`, i))
		numbers = append(numbers, strconv.Itoa(i))
	}
	list := func(s []string) string { return strings.Join(s, ",") }
	array := func(items string) string { return `{"type": "array", "items": ` + items + `}` }
	return &fstest.MapFile{Data: []byte(`{"lexicon": 1, "id": "` + id + `", "defs": {"main": {"type": "record", "key": "any", "record": {
		"type": "object", "properties": {
			"objects": ` + array(`{"type": "object", "properties": {`+list(properties)+`}}`) + `,
			"strings": ` + array(`{"type": "string", "enum": [`+list(words)+`]}`) + `,
			"numbers": ` + array(`{"type": "integer", "enum": [`+list(numbers)+`]}`) + `,
			"blobs": ` + array(`{"type": "blob", "accept": [`+list(words)+`]}`) + `
		}}}}}`)}
}

// TestSteps: what a lexicon and a record together make too much of isn't checked to the end.
func TestSteps(t *testing.T) {
	const blob = `{"$type":"blob","ref":{"$link":"bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq"},` +
		`"mimeType":"a/000000","size":1}`
	for property, value := range map[string]string{"objects": `{}`, "strings": `"a/000000"`, "numbers": `0`, "blobs": blob} {
		for length, want := range map[int]string{100: "", 5000: "is too much to be checked"} {
			catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{"large.json": large("com.example.large", length)}})
			list := strings.Repeat(value+",", 2500) + value
			record := data(t, `{"$type":"com.example.large","`+property+`":[`+list+`]}`)
			_, err := catalog.CheckRecord(t.Context(), "com.example.large", "self", record, nil)
			expect(t, property, err, want)
		}
	}
}

// TestStepsOfInput: a large body of small objects is checked to the end, unless it's full of names that nobody knows.
func TestStepsOfInput(t *testing.T) {
	const columns = 20
	var properties, own, foreign []string
	for i := range columns {
		properties = append(properties, fmt.Sprintf(`"p%02d": {"type": "integer"}`, i))
		own = append(own, fmt.Sprintf(`"p%02d":%d`, i, i))
		foreign = append(foreign, fmt.Sprintf(`"q%02d":%d`, i, i))
	}
	catalog := newCatalog(t, lexicon.Config{Files: fstest.MapFS{"rows.json": {Data: []byte(`{"lexicon": 1,
		"id": "com.example.putRows", "defs": {"main": {"type": "procedure", "input": {"encoding": "application/json", "schema": {
		"type": "object", "properties": {"rows": {"type": "array", "items": {
		"type": "object", "properties": {` + strings.Join(properties, ",") + `}}}}}}}}}`)}}})
	m := method(t, catalog, "com.example.putRows")
	rows := func(row []string) []byte {
		one := "{" + strings.Join(row, ",") + "}"
		return []byte(`{"rows":[` + strings.Repeat(one+",", 9999) + one + `]}`)
	}
	expect(t, "own", m.CheckInput(rows(own)), "")
	expect(t, "foreign", m.CheckInput(rows(foreign)), "is too much to be checked")
}

// BenchmarkLargeLexicon parses what a stranger may have made large.
func BenchmarkLargeLexicon(b *testing.B) {
	file := large("com.example.large", 10_000)
	for b.Loop() {
		newCatalog(b, lexicon.Config{Files: fstest.MapFS{"large.json": file}})
	}
}
