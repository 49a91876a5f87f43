"""Traffic on devices: what filters of traffic control do to it, which VLANs and VNIs it has."""
