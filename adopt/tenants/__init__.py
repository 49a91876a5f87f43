"""What tenants have beside their networks, read back from hosts' files."""
