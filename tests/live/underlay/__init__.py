"""The lab with a routed underlay."""
