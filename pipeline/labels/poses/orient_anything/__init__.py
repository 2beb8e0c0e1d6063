"""Orient Anything V2 (Wang et al., 2025): which way an object in a photograph faces."""
