"""Networks that others have trained: where their files are, how they are loaded, what they are shown.

Only the label stages use them. torch and transformers are imported when a network is loaded, and not before, so that
simulated labels need neither.
"""
