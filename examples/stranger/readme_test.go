package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeLinks: every relative link of the README leads somewhere, and none of the examples is left out.
func TestReadmeLinks(t *testing.T) {
	if os.Getenv(outside) != "" {
		t.Skip("there is no README outside")
	}
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, link := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(readme), -1) {
		path, anchor, _ := strings.Cut(link[1], "#")
		switch {
		case strings.Contains(path, "://"):
			continue
		case path == "":
			if !hasHeading(string(readme), anchor) {
				t.Errorf("README.md has no heading #%s", anchor)
			}
			continue
		}
		linked[path] = true
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(path))); err != nil {
			t.Errorf("README.md: %v", err)
		}
	}
	folders, err := os.ReadDir(filepath.Join(root, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		if path := "examples/" + folder.Name(); folder.IsDir() && folder.Name() != "internal" && !linked[path] {
			t.Errorf("README.md doesn't link %s", path)
		}
	}
}

// hasHeading reports whether a heading has an anchor, which is made of it as GitHub does.
func hasHeading(text, anchor string) bool {
	for line := range strings.Lines(text) {
		heading := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		if strings.HasPrefix(line, "#") && strings.ReplaceAll(heading, " ", "-") == anchor {
			return true
		}
	}
	return false
}
