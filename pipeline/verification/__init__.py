"""Verification of every input and output of the pipeline against its recorded hash."""
