"""A category of one's own from a folder of photographs: what `semagic new` does."""
