"""What an interfaces file means for a deployment, beyond what ifreload makes of it."""
