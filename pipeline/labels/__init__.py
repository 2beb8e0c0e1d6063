"""Pseudo-labels and features: what foundation models say about a photograph.

Each kind of label (`masks`, `depth`, `poses`, `features`) is a package of the same make:
`__init__.py` states the protocol and the file format, each other file is one backend named after its model,
and `label.py` lists the backends by the name that `params.yaml` uses and labels one category.
A learned model is one more file and one more line in that list; it imports its library inside the constructor.
"""
