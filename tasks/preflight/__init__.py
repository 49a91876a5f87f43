"""What is asked of a node before anything is changed on it, and what then forbids a deployment."""
