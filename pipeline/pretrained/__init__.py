"""Pretrained networks of the label stages: their files, their loading, and the preprocessing of their inputs.

torch and transformers are imported only when a network is loaded, so that simulated labels need neither.
"""
