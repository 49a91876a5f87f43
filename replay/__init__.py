"""Recordings of the lab, replayed over real SSH on loopback, where the lab itself cannot run."""
