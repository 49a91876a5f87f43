"""The commands behind `run.py`: they join the rooms, and hold no knowledge of their own."""

__version__ = "0.1.0"
