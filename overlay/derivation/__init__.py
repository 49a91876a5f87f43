"""How each part of a node's intent is derived; `overlay.derive` joins them."""
