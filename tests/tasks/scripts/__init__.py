"""Tests of the joined scripts that a node runs, against a real shell."""
