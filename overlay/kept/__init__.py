"""What nodes keep by hand, beside what is derived from the intent."""
