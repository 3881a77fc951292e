package state

import "time"

// SetPatience changes how long a transaction may take.
func (d *DB) SetPatience(p time.Duration) { d.patience = p }
