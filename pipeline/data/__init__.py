"""Datasets: readers of PASCAL3D+, SPair-71k and folders of one's own, and the paper's rules of what is used of them."""
