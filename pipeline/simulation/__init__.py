"""The embedded benchmark: a generator of photographs, annotations and CAD models in the formats of the two releases."""
