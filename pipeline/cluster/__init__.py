"""Execution of stages on the machines of a Ray cluster."""
