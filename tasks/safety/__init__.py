"""The dead man's switch on a node: backup, restore script, timer, boot unit, lock."""
