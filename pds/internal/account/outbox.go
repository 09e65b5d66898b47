package account

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	maxLetters    = 16          // sent at once
	letterTimeout = time.Minute // for one of them
)

// Outbox sends letters after their requests are answered, so that the time until the answer doesn't tell whether there
// was one to send.
type Outbox struct {
	turns   chan struct{}
	waiting sync.Mutex // held by Wait, of which two would wait for each other
	logger  *slog.Logger
}

// NewOutbox returns an outbox that tells logger of its failures.
func NewOutbox(logger *slog.Logger) *Outbox {
	return &Outbox{turns: make(chan struct{}, maxLetters), logger: logger}
}

// turn waits until few enough letters are being sent. Whoever takes a turn calls send or leave. Error: that of ctx.
func (o *Outbox) turn(ctx context.Context) error {
	select {
	case o.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *Outbox) leave() { <-o.turns }

// send calls f, which outlives ctx but gets its values. A failure is logged, a panic too: where nobody waits for an
// answer it would end the process.
func (o *Outbox) send(ctx context.Context, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterTimeout)
	go func() {
		defer o.leave()
		defer cancel()
		defer func() {
			if v := recover(); v != nil {
				o.logger.ErrorContext(ctx, "account: the mailer panicked", "panic", v)
			}
		}()
		if err := f(ctx); err != nil {
			o.logger.ErrorContext(ctx, "account: a letter wasn't sent", "err", err)
		}
	}()
}

// Wait waits until the letters that are being sent are sent, or have failed.
func (o *Outbox) Wait() {
	o.waiting.Lock()
	defer o.waiting.Unlock()
	for range maxLetters {
		o.turns <- struct{}{}
	}
	for range maxLetters {
		o.leave()
	}
}
