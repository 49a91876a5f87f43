"""Parts of a node's derived intent; `overlay.expected` joins them."""
