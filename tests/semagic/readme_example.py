import json
from pathlib import Path

import pandas

from semagic import CategoryModel

model = CategoryModel.load("models/ours/dinov2/car/0")
pair = json.loads(Path("instances/car/pairs.json").read_text())["pairs"][0]
images = pandas.read_parquet("instances/car/instances.parquet").set_index("name")["image"]
a = model.prepare(images[pair["source"]], pair["source_box"])
b = model.prepare(images[pair["target"]], pair["target_box"])
matches = model.match(a, b, pair["source_keypoints"])  # .points in pixels of b, .visible, .similarity
mesh = model.reconstruct(a)  # .vertices and .faces, posed by .rotation, seen at .pixels
print(matches.points.round(1), mesh.vertices.shape)
