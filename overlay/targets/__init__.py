"""Route targets and route distinguishers: what people write, and which VNI a target is of."""
