"""What only shows across nodes: checks of what they share, and the fabric as it was observed."""
