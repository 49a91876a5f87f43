"""Translated addresses: nftables of an exit."""
