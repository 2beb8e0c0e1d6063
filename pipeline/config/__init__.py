"""The parameters of a run: their typed form, the cells of the experiment, and where files lie."""
