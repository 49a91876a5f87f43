"""Who peers with whom, and as which AS."""
