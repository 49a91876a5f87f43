"""Expected state against observed state → findings. Pure: no SSH, no files, no Nornir."""
