package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// environment holds the variables that may concern us, and knows which have been asked for.
type environment map[string]*variable

type variable struct {
	value string
	used  bool
}

// text returns a variable's value, or def if it is empty or not set.
func (e environment) text(name, def string) string {
	v, ok := e[name]
	if !ok {
		return def
	}
	v.used = true
	if v.value == "" {
		return def
	}
	return v.value
}

// list returns the parts of a variable's value between commas, nil if it is empty or not set.
func (e environment) list(name string) []string {
	var parts []string
	for part := range strings.SplitSeq(e.text(name, ""), ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func (e environment) number(name string, def int) (int, error) {
	s := e.text(name, "")
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s: %q is not a number", name, s)
	}
	return n, nil
}

func (e environment) flag(name string, def bool) (bool, error) {
	switch s := e.text(name, ""); s {
	case "":
		return def, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, fmt.Errorf("%s: %q is neither true nor false", name, s)
	}
}

// unused returns the names of the PDS_ variables that are set and that nothing has asked for, in order.
func (e environment) unused() []string {
	var names []string
	for name, v := range e {
		if !v.used && v.value != "" && strings.HasPrefix(name, "PDS_") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
