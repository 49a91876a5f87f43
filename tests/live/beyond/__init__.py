"""What leads beyond the networks of a fabric: routes of VRFs, and ports to LANs."""
