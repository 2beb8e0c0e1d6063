"""Devices, the optional packages that need a GPU, and small transfers to one."""
