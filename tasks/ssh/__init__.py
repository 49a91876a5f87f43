"""SSH connections to nodes, and the scripts that run over them."""
