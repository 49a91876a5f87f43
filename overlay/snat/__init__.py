"""Guests whose addresses are translated at an exit: what is written of it, and what is derived."""
