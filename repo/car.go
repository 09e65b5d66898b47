package repo

import (
	"github.com/pdskit/pdskit/repo/data"
	"github.com/pdskit/pdskit/storage"
)

// carOf returns the CAR file of a commit and further blocks.
func carOf(head storage.Head, blocks []storage.Block) []byte {
	size := 128 + len(head.Block)
	for _, b := range blocks {
		size += data.CARBlockBytes + len(b.Bytes)
	}
	car := data.AppendCARHeader(make([]byte, 0, size), head.Commit)
	car = data.AppendCARBlock(car, head.Commit, head.Block)
	for _, b := range blocks {
		car = data.AppendCARBlock(car, b.CID, b.Bytes)
	}
	return car
}
