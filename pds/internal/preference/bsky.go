package preference

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/bluesky-social/indigo/atproto/syntax"
)

const (
	personalDetails = "app.bsky.actor.defs#personalDetailsPref"
	declaredAge     = "app.bsky.actor.defs#declaredAgePref"
)

// Bsky are the preferences of app.bsky. A date of birth is private; what follows from it is told to all apps.
var Bsky = Namespace{
	Name:    "app.bsky",
	Get:     "app.bsky.actor.getPreferences",
	Put:     "app.bsky.actor.putPreferences",
	Private: []string{personalDetails},
	Derived: []string{declaredAge},
	Derive:  deriveAge,
}

// deriveAge tells which ages somebody has reached by their date of birth, if they have given one.
func deriveAge(stored []json.RawMessage, now time.Time) []json.RawMessage {
	for _, p := range stored {
		if typeOf(p) != personalDetails {
			continue
		}
		var details struct{ BirthDate string }
		if json.Unmarshal(p, &details) != nil || details.BirthDate == "" {
			return nil
		}
		born, ok := parseDate(details.BirthDate)
		if !ok {
			return nil
		}
		value := `{"$type":"` + declaredAge + `"`
		for _, years := range []int{13, 16, 18} {
			reached := !now.UTC().Before(born.AddDate(years, 0, 0))
			value += `,"isOverAge` + strconv.Itoa(years) + `":` + strconv.FormatBool(reached)
		}
		return []json.RawMessage{json.RawMessage(value + "}")}
	}
	return nil
}

// parseDate returns the day that a time, or a date alone, is on.
func parseDate(s string) (time.Time, bool) {
	if t, err := syntax.ParseDatetimeLenient(s); err == nil {
		return t.Time().UTC().Truncate(24 * time.Hour), true
	}
	t, err := time.Parse(time.DateOnly, s)
	return t, err == nil
}
