"""One file a plane: its checks, how a node is compared, and what folding knows of them."""
