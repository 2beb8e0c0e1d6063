"""Python programs that begin with their libraries imported, as forks of a process that has imported them."""
