package pds

import "context"

// Upkeep does once what Run does every minute.
func (s *Server) Upkeep(ctx context.Context) { s.upkeep(ctx) }
