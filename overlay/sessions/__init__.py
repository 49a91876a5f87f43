"""Options of BGP sessions, as people write them and as nodes have them."""
