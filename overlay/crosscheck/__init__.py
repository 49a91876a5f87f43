"""What no single value of `fabric.yaml` can show to be wrong."""
