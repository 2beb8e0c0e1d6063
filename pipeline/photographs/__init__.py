"""What is known of a photograph: its record, pixels, crop and camera, and the benchmark's truth beside it."""
