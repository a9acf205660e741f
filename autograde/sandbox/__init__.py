"""Where student code runs: a process with nothing to read, nobody to talk to, and an end."""
