"""The intent, and what is derived from it."""
