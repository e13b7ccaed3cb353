"""What is to be run: a suite, and each run of it."""
