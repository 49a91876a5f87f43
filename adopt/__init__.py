"""What is there (files, state) read into an intent; what is wrong with it as such. Pure."""
