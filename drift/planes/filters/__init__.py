"""Packet filters of the kernel: what of the overlay's traffic they drop."""
