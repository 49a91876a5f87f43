"""Traffic control: what its filters do."""
