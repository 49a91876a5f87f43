"""What routes the underlay, as FRR shows it."""
