"""Tests of the replayed fleet, which are the fast tests of tasks/ over real SSH."""
