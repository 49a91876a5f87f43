"""What hosts hold beside what the intent derives, as files and settings that keep it."""
