"""Those beside the fabric: external nodes, and peers that come and go."""
