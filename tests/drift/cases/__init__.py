"""A row for each way in which something can differ, and the one finding that it must give."""
