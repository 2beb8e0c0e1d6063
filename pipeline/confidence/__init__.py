"""How far a match can be trusted: what speaks for it, and the probability that it is right."""
