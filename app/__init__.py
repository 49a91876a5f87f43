"""The jobs, joined from the rooms: what `cli/`, the demo and the tests call."""

__version__ = "0.1.0"
