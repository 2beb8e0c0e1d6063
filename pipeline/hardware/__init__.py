"""Devices, optional packages that need a GPU, and small transfers between CPU and GPU."""
