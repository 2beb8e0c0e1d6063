"""Photographs: their records and pixels, crops and cameras, and the embedded benchmark's truth beside them."""
