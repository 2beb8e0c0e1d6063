"""Images that were prepared without something that a method needs."""

import numpy as np
import pytest
import torch

from pipeline.config.params import Correspondence
from pipeline.matching.images import describe_image
from pipeline.matching.methods import BASELINES, MESH_METHODS
from pipeline.matching.queries import Queries
from pipeline.photographs.crops import Crop
