"""Keys of `fabric.yaml` that are accepted and then used by no node and no check."""
