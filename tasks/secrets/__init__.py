"""What only a deployment knows: the secrets that its files hold."""
