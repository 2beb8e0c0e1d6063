"""Every input and output of the pipeline against the hash that was recorded for it."""
