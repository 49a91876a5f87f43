"""Planes of what VRFs route by: EVPN routes in the kernel, ways out, isolation."""
