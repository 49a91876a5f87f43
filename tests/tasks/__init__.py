"""Tests of tasks/ that need no SSH."""
