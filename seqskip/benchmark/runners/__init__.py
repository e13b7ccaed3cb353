"""Where runs are done: in this process, on Ray, on Slurm; each tells the driver what has happened."""
