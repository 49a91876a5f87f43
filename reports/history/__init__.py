"""What earlier audits found: one SQLite file, written by each audit, and what it tells."""
