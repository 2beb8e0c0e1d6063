"""The sections of `params.yaml` about photographs: releases, downloads, and the embedded benchmark."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.config.kinds import Line, Name, Seed, Share
from pipeline.config.ranges import Above, AtLeast, AtMost, Between, Unique

Images = Annotated[int, Between(0, 10_000)]
"""Number of images of a category, whose names have four digits for them."""
Pairs = Annotated[int, Between(0, 100_000)]
"""Number of pairs of a category and a split, whose names have five digits for them."""


@dataclass(frozen=True)
class Data:
    """Dataset that is read, and which of its records are used."""

    reader: Name
    """Form of the dataset: releases, or folder for photographs of your own.

    `releases` are PASCAL3D+ and SPair-71k. `folder` is described in `pipeline/data/photographs_csv.py`; it may have
    other categories than the paper's ten.
    """
    folder: Name
    """Folder with photographs.csv, for the reader `folder`.

    The path is relative to the folder of params.yaml.
    """
    generate: Annotated[tuple[Literal["simulation"], ...], Unique()]
    """Data that the stage `data` generates: simulation, or nothing.

    The embedded benchmark is written into data/.
    """
    fetch: Annotated[tuple[Literal["pascal3d", "spair"], ...], Unique()]
    """Releases that the stage `fetch` downloads: pascal3d, spair, or nothing.

    They are unpacked into releases/.
    """
    pascal3d: Line
    """Root of PASCAL3D+ 1.1: generated, fetched, or a folder of yours.

    The path is relative to the folder of params.yaml. Without a path there are no training images.
    """
    spair: Name
    """Root of SPair-71k: generated, fetched, or a folder of yours.

    The path is relative to the folder of params.yaml.
    """
    evaluation_split: Literal["trn", "val", "test"]
    """Split whose pairs are evaluated: trn, val or test."""
    calibration_split: Literal["trn", "val", "test"]
    """Another split, whose pairs teach how far a match can be trusted.

    Where it has no pairs of a category, the category's matches have no probabilities.
    """
    exclude_truncated_pairs: bool
    """Whether pairs with a truncated object are left out (SEMAGIC 4.1)."""
    exclude_flagged_training: bool
    """Whether truncated, occluded and difficult objects are left out of the training."""
    max_training_images: Annotated[int, AtLeast(0)]
    """Largest number of training images of a category; 0 stands for all.

    The images that are used are spread evenly over the list.
    """
    crop_margin: Annotated[float, Above(0), AtMost(10)]
    """Side of the square crop [longer sides of the object's box]."""


@dataclass(frozen=True)
class Fetch:
    """Download of the releases that downloads.yaml pins; no result depends on it."""

    downloads: Name
    """Folder of the archives, which may be shared or filled by hand.

    An archive that is there is used.
    """


@dataclass(frozen=True)
class Simulation:
    """The embedded benchmark: images, annotations and CAD models in the formats of both releases."""

    seed: Seed
    """Seed of every draw of the generator and of the simulated labels."""
    cad_dir: Line
    """Folder of CAD models to take shapes from; empty for the parametric shape families.

    The folder holds CAD/<category>/NN.off with NN_keypoints.json.
    """
    cad_scale_std: Annotated[float, Between(0, 1)]
    """Standard deviation of the log scale of each axis of a shape from `cad_dir`."""
    train_shapes: Annotated[int, AtLeast(0)]
    """Number of shapes of each category in the training images."""
    pair_shapes: Annotated[int, AtLeast(0)]
    """Number of other shapes of each category in the SPair-71k images."""
    train_images: Annotated[int, AtLeast(0)]
    """Number of training images of each category (PASCAL3D+, ImageNet part)."""
    trn_images: Images
    """Number of SPair-71k images of each category in the split trn."""
    val_images: Images
    """Number of SPair-71k images of each category in the split val."""
    test_images: Images
    """Number of SPair-71k images of each category in the split test."""
    trn_pairs: Pairs
    """Number of pairs of each category in the split trn; each direction counts."""
    val_pairs: Pairs
    """Number of pairs of each category in the split val; each direction counts."""
    test_pairs: Pairs
    """Number of pairs of each category in the split test; each direction counts."""
    image_size: Annotated[int, Between(16, 4096)]
    """Longer side of a photograph [pixels]."""
    truncated_share: Share
    """Share of images whose object reaches beyond the frame, from 0 to 1."""
    occluded_share: Share
    """Share of images with something in front of the object, from 0 to 1."""
    broad_azimuth_share: Share
    """Share of SPair-71k images whose azimuth is uniform, from 0 to 1.

    Other azimuths have the statistics of the training images.
    """
    broad_spread: Annotated[float, Between(0, 10)]
    """Spread of elevation and in-plane rotation in SPair-71k images [spread in training images].

    The spread is the standard deviation.
    """
