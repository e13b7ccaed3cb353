"""What has been run: the ledger, and a file of results for each run. Files alone; no torch."""
