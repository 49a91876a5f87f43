"""Options of BGP sessions, as people write them and as they are derived."""
