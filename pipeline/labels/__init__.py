"""Pseudo-labels and features: what foundation models say about a photograph.

Each kind of label (`masks`, `depth`, `poses`, `features`) is a package of the same make. Its `__init__.py` states the
protocol of a backend and the format of the files, each other file is one backend with a function `make`, and `label.py`
has the backends by the names that `params.yaml` uses, and labels one category. A learned model imports its library in
its constructor, so that no other backend waits for it. `components` fits principal components to the features.
"""
