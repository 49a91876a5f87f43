"""The plane of links, in one pass: VXLAN devices, bridges and their ports, VRFs, the underlay."""
