"""The command line: arguments in, exit code out. What a command does is in `app/`."""
