"""What is kept of a node that was examined, for what is judged across nodes."""
