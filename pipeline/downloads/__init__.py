"""Downloads that are pinned by a hash: transfer, safe unpacking, and a record of every file."""
