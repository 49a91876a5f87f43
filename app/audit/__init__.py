"""The audit: collected or read, parsed, compared, repeated while things move, recorded."""
