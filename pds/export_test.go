package pds

import (
	"context"

	"github.com/pdskit/pdskit/repo"
	"github.com/pdskit/pdskit/storage"
)

// Upkeep does once what Run does every minute.
func (s *Server) Upkeep(ctx context.Context) { s.upkeep(ctx) }

// Log is the store as the server sees it.
func (s *Server) Log() storage.Store { return s.store }

// WaitForLetters waits until the letters that no request waits for are sent.
func (s *Server) WaitForLetters() { s.outbox.Wait() }

// Engine writes repos, and asks nobody about their accounts.
func (s *Server) Engine() *repo.Engine { return s.engine }
