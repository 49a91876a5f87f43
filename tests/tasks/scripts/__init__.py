"""Tests of the switch: its scripts really run, against a temporary root."""
