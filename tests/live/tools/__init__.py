"""What the lab's tests share, beside the lab itself."""
