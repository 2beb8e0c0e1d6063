"""What a matching method says of an image that was prepared without one of its inputs."""

import numpy as np
import pytest
import torch

from pipeline.matching.images import describe_image
from pipeline.matching.methods import BASELINES, MESH_METHODS
from pipeline.matching.queries import Queries
from pipeline.photographs.crops import Crop
from support.tiny import tiny_params


@pytest.mark.parametrize(("method", "missing"), [("pca_nearest_neighbour", "components"), ("projection", "projection")])
def test_a_method_names_the_input_that_an_image_lacks(method, missing):
    image = describe_image(Crop(0.0, 0.0, 8.0), 8, 8, np.ones((2, 2, 3), np.float32), 4)
    first = torch.zeros(1, dtype=torch.int64)
    queries = Queries(first + 1, first, first, torch.full((1, 2), 0.5, dtype=torch.float64))
    with pytest.raises(ValueError, match=f"needs the {missing} of each image"):
        {**BASELINES, **MESH_METHODS}[method](queries, [image, image], tiny_params().correspondence)
