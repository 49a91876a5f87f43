"""A routed underlay, as hosts' files have it."""
