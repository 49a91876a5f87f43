"""The plane of a routed underlay: its adjacencies."""
