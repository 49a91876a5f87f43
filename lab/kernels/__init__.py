"""The kernels that nodes can run on: where they come from, which of them boots on this computer."""
