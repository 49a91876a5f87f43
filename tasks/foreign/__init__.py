"""What a node holds that is not ours: found before a deployment, which would remove it."""
