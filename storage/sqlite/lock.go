package sqlite

import (
	"fmt"

	lite "zombiezen.com/go/sqlite"
)

// lock keeps a database from being opened twice. It is an exclusive lock on an empty SQLite database of its own, PATH-lock, so
// that it works wherever SQLite does, ends with the process however that ends, and leaves the database itself free to be
// read by other programs.
type lock struct{ conn *lite.Conn }

func acquire(path string) (*lock, error) {
	if err := touch(path+"-lock", true); err != nil {
		return nil, err
	}
	c, err := lite.OpenConn(path+"-lock", lite.OpenReadWrite)
	if err != nil {
		return nil, fmt.Errorf("sqlite: lock: %w", err)
	}
	c.SetBusyTimeout(0)
	if err := run(c, "BEGIN EXCLUSIVE"); err != nil {
		c.Close()
		if lite.ErrCode(err).ToPrimary() == lite.ResultBusy {
			return nil, fmt.Errorf("sqlite: %s is open already, here or in another process: %w", path, err)
		}
		return nil, fmt.Errorf("sqlite: lock: %w", err)
	}
	return &lock{c}, nil
}

func (l *lock) release() error { return l.conn.Close() }
