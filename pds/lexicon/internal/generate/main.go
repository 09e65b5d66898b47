// Command generate writes the lexicons that package lexicon has built in: those of com.atproto, the record types of
// app.bsky, the other record types that most servers know, and what these refer to. It takes them from the indigo
// module that go.mod names, and leaves descriptions out.
//
// It runs in the folder of the file that it writes, and needs no network.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const output = "builtin.jsonl"

// others are record types beyond com.atproto and app.bsky.
var others = []string{"chat.bsky.actor.declaration", "com.germnetwork.declaration"}

func main() {
	log.SetFlags(0)
	log.SetPrefix("generate: ")
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bluesky-social/indigo").Output()
	if err != nil {
		log.Fatal(err)
	}
	all, err := read(filepath.Join(strings.TrimSpace(string(dir)), "lexicons"))
	if err != nil {
		log.Fatal(err)
	}
	chosen, err := choose(all)
	if err != nil {
		log.Fatal(err)
	}
	if err := write(all, chosen); err != nil {
		log.Fatal(err)
	}
}

// read reads all lexicons below a folder, by their IDs.
func read(root string) (map[string]map[string]any, error) {
	all := map[string]map[string]any{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var lexicon map[string]any
		decoder := json.NewDecoder(bytes.NewReader(b))
		decoder.UseNumber()
		if err := decoder.Decode(&lexicon); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		id, _ := lexicon["id"].(string)
		all[id] = withoutDescriptions(lexicon).(map[string]any)
		return nil
	})
	return all, err
}

// withoutDescriptions leaves properties alone that are called so.
func withoutDescriptions(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["description"].(string); ok {
			delete(v, "description")
		}
		for key := range v {
			v[key] = withoutDescriptions(v[key])
		}
	case []any:
		for i := range v {
			v[i] = withoutDescriptions(v[i])
		}
	}
	return v
}

// choose returns the IDs of the lexicons to write, in their order.
func choose(all map[string]map[string]any) ([]string, error) {
	chosen := map[string]bool{}
	var add func(id, from string) error
	add = func(id, from string) error {
		if chosen[id] {
			return nil
		}
		if all[id] == nil {
			return fmt.Errorf("%s refers to %s, which the module doesn't have", from, id)
		}
		chosen[id] = true
		for _, ref := range references(all[id]) {
			if nsid, _, _ := strings.Cut(ref, "#"); nsid != "" {
				if err := add(nsid, id); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for id, lexicon := range all {
		switch {
		case strings.HasPrefix(id, "com.atproto."), slices.Contains(others, id):
		case strings.HasPrefix(id, "app.bsky.") && isRecord(lexicon):
		default:
			continue
		}
		if err := add(id, "the list"); err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(chosen)), nil
}

func isRecord(lexicon map[string]any) bool {
	defs, _ := lexicon["defs"].(map[string]any)
	main, _ := defs["main"].(map[string]any)
	return main["type"] == "record"
}

// references returns what definitions refer to.
func references(v any) (refs []string) {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["ref"].(string); ok {
			refs = append(refs, ref)
		}
		if union, ok := v["refs"].([]any); ok {
			for _, ref := range union {
				refs = append(refs, ref.(string))
			}
		}
		for _, child := range v {
			refs = append(refs, references(child)...)
		}
	case []any:
		for _, child := range v {
			refs = append(refs, references(child)...)
		}
	}
	return refs
}

// write writes a lexicon a line, its ID in front of its definitions, so that it can be found without being parsed.
func write(all map[string]map[string]any, ids []string) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	for _, id := range ids {
		line := struct {
			Lexicon any `json:"lexicon"`
			ID      any `json:"id"`
			Defs    any `json:"defs"`
		}{all[id]["lexicon"], id, all[id]["defs"]}
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return os.WriteFile(output, b.Bytes(), 0o644)
}
