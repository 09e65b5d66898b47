package repo

import (
	"bufio"
	"fmt"
	"os"

	"github.com/ipfs/go-cid"
)

// held keeps the blocks of an import that have arrived before they are needed: in memory as long as they take less than
// a limit, and beyond it in a temporary file. What it keeps of a block in the file is its place, some 130 bytes.
type held struct {
	limit int64
	dir   string

	mem   map[cid.Cid][]byte
	bytes int64 // in mem

	file *os.File // nil until it is needed
	out  *bufio.Writer
	size int64 // of the file, with what is still in out
	at   map[cid.Cid]place
}

type place struct {
	off int64
	len int32
}

func newHeld(limit int64, dir string) *held {
	return &held{limit: limit, dir: dir, mem: make(map[cid.Cid][]byte), at: make(map[cid.Cid]place)}
}

// blockBytes is about how many bytes a block takes beside its own.
const blockBytes = 100

// put keeps a block. It takes hold of the slice.
func (h *held) put(c cid.Cid, block []byte) error {
	if _, dup := h.mem[c]; dup {
		return nil
	}
	if _, dup := h.at[c]; dup {
		return nil
	}
	if size := int64(len(block) + blockBytes); h.bytes+size <= h.limit {
		h.mem[c], h.bytes = block, h.bytes+size
		return nil
	}
	if h.file == nil {
		f, err := os.CreateTemp(h.dir, "pdskit-import-*")
		if err != nil {
			return fmt.Errorf("repo: hold blocks: %w", err)
		}
		// Without its name the file goes with the process, however that ends. Where a file in use can't be removed,
		// close does it.
		_ = os.Remove(f.Name())
		h.file, h.out = f, bufio.NewWriterSize(f, 256<<10)
	}
	if _, err := h.out.Write(block); err != nil {
		return fmt.Errorf("repo: hold blocks: %w", err)
	}
	h.at[c] = place{h.size, int32(len(block))}
	h.size += int64(len(block))
	return nil
}

// take returns a block and lets it go.
func (h *held) take(c cid.Cid) ([]byte, bool, error) {
	if block, ok := h.mem[c]; ok {
		delete(h.mem, c)
		h.bytes -= int64(len(block) + blockBytes)
		return block, true, nil
	}
	p, ok := h.at[c]
	if !ok {
		return nil, false, nil
	}
	delete(h.at, c)
	if p.off+int64(p.len) > h.size-int64(h.out.Buffered()) {
		if err := h.out.Flush(); err != nil {
			return nil, false, fmt.Errorf("repo: hold blocks: %w", err)
		}
	}
	block := make([]byte, p.len)
	if _, err := h.file.ReadAt(block, p.off); err != nil {
		return nil, false, fmt.Errorf("repo: hold blocks: %w", err)
	}
	return block, true, nil
}

// close removes the file.
func (h *held) close() {
	if h.file != nil {
		_ = h.file.Close()
		_ = os.Remove(h.file.Name())
	}
}
