"""A fleet that is as its intent says, or broken in one way, without machines: for speed and scale."""
