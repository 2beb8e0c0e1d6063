"""The sections of `params.yaml` about labels and features: masks, depth, poses, features, networks, components."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.config.kinds import Amount, Channels, Count, Device, Name, Share, Size
from pipeline.config.ranges import Between, NotAbove
from pipeline.config.variants import Overlays


@dataclass(frozen=True)
class SimulatedMaskParams:
    """Error model of simulated masks: the true boundary, displaced by smooth noise."""

    boundary_std: Amount
    """Standard deviation of the displacement [pixels]."""
    boundary_length: Annotated[float, Between(0, 500)]
    """Correlation length of the displacement [pixels]."""


@dataclass(frozen=True)
class GrabCutParams:
    """GrabCut: colour models grown from the annotated box."""

    iterations: Count
    """Number of iterations of the colour models."""
    context: Size
    """Width of the frame around the box that shows the background [longer sides of the box]."""
    smallest_share: Share
    """Share of the box that a mask must cover, from 0 to 1.

    A mask that covers less counts as not found.
    """


@dataclass(frozen=True)
class SamParams:
    """Segment Anything, prompted with the annotated box."""

    model: Name
    """Weights of the network: an entry of downloads.yaml."""


@dataclass(frozen=True)
class MaskChoice:
    """Choice among the three masks that Segment Anything proposes.

    The choice is the mask with the highest predicted quality among those that fit the annotated box. If none fits, the
    network's single mask is taken where it fits, and the image is skipped where it does not.
    """

    box_overlap: Share
    """Smallest intersection over union of the mask's own box and the annotated box."""
    box_share: Share
    """Smallest share of the annotated box that the mask covers, from 0 to 1."""


@dataclass(frozen=True)
class MaskCleaning:
    """Removal of stray pixels from the chosen mask."""

    margin: Amount
    """Distance from the box beyond which pixels are removed [sides of the box]."""
    smallest_part: Share
    """Area of a separate part below which it is removed [area of the largest part]."""
    largest_hole: Amount
    """Area of a hole up to which it is filled [area of the mask]."""


@dataclass(frozen=True)
class Masks:
    """Object masks (SAM in the paper)."""

    backend: Name
    """Source of the masks: simulated, grabcut, given, sam or segment_anything.

    `simulated` distorts the truth of the embedded benchmark; the others take any photograph. `grabcut` is OpenCV's.
    `given` takes the files that the column `mask` of photographs.csv names (see `data.folder`). `sam` is Segment
    Anything through the package transformers, `segment_anything` the same through its own package.
    """
    simulated: SimulatedMaskParams
    grabcut: GrabCutParams
    sam: SamParams
    """Segment Anything through the package transformers, prompted with the annotated box."""
    segment_anything: SamParams
    """Segment Anything through its own package, prompted with the annotated box."""
    choice: MaskChoice
    cleaning: MaskCleaning


@dataclass(frozen=True)
class SimulatedDepthParams:
    """Error model of simulated disparity: noise, and an unknown scale and shift of each image."""

    smooth_noise: Amount
    """Standard deviation of smooth noise [spread of disparity on the object]."""
    smooth_length: Annotated[float, Between(0, 500)]
    """Correlation length of the smooth noise [pixels]."""
    white_noise: Amount
    """Standard deviation of white noise [spread of disparity on the object]."""
    scale_std: Annotated[float, Between(0, 10)]
    """Standard deviation of the natural logarithm of the scale."""
    shift_std: Amount
    """Standard deviation of the shift [spread of disparity on the object]."""


@dataclass(frozen=True)
class DepthAnythingParams:
    """Depth Anything V2 on the whole photograph."""

    model: Name
    """Weights of the network: an entry of downloads.yaml."""
    short_side: Annotated[int, Between(14, 2048)]
    """Shorter side of the resized photograph, rounded to patches of 14 [pixels]."""


@dataclass(frozen=True)
class Depth:
    """Relative depth (Depth Anything V2 in the paper): disparity up to a positive scale and a shift."""

    backend: Name
    """Source of the disparity: simulated, depth_anything, or unknown for none.

    `simulated` distorts the truth of the embedded benchmark; `depth_anything` takes any photograph. `unknown` is for
    variants that learn without depth.
    """
    simulated: SimulatedDepthParams
    depth_anything: DepthAnythingParams


@dataclass(frozen=True)
class SimulatedPoseParams:
    """Error model of simulated orientations."""

    azimuth_std: Amount
    """Standard deviation of the error of the azimuth [degrees]."""
    elevation_std: Amount
    """Standard deviation of the error of the elevation [degrees]."""
    theta_std: Amount
    """Standard deviation of the error of the in-plane rotation [degrees]."""
    flip_share: Share
    """Share of images whose front and back are confused, from 0 to 1."""


@dataclass(frozen=True)
class OrientAnythingParams:
    """Orient Anything V2 on the masked object before a white background."""

    model: Name
    """Weights of the network: an entry of downloads.yaml."""
    foreground: Annotated[float, Between(0.05, 1)]
    """Longer side of the object [sides of the picture]."""


@dataclass(frozen=True)
class Poses:
    """Object orientation (Orient Anything V2 in the paper)."""

    backend: Name
    """Source of the orientation: simulated, orient_anything, given, or unknown for none.

    `simulated` distorts the truth of the embedded benchmark; `orient_anything` takes any photograph. `given` takes
    the angles in photographs.csv (see `data.folder`). `unknown` is for variants that learn without poses.
    """
    simulated: SimulatedPoseParams
    orient_anything: OrientAnythingParams


@dataclass(frozen=True)
class SimulatedFeatureParams:
    """Simulated tokens: a semantic code of the surface, with noise."""

    dims: Channels
    """Number of channels of a token."""
    code_dims: Annotated[Count, NotAbove("dims")]
    """Number of dimensions of the semantic code that the channels mix."""
    frequency: Size
    """Root mean square frequency of the code [cycles per CAD unit].

    The CAD unit is the diagonal of the mean shape's box.
    """
    white_noise: Amount
    """Standard deviation of white noise [amplitude of the code]."""
    smooth_noise: Amount
    """Standard deviation of smooth noise [amplitude of the code]."""
    smooth_length: Annotated[float, Between(0, 100)]
    """Correlation length of the smooth noise [patches]."""
    instance_noise: Amount
    """Standard deviation of the shift of an instance's code [amplitude of the code]."""
    background_length: Annotated[float, Between(0, 100)]
    """Correlation length of the background's features [patches]."""


@dataclass(frozen=True)
class SiftParams:
    """Dense SIFT descriptors at the centres of the patches."""

    support: Annotated[float, Between(0.5, 32)]
    """Diameter of the region that a descriptor covers [patches]."""


@dataclass(frozen=True)
class DinoV2Params:
    """Patch tokens of DINOv2, whose patches have 14 pixels."""

    model: Name
    """Weights of the network: an entry of downloads.yaml."""


@dataclass(frozen=True)
class Features:
    """Patch features of the crop (DINOv2 ViT-S/14 tokens in the paper)."""

    backend: Name
    """Source of the features: simulated, sift or dinov2.

    `simulated` derives them from the truth of the embedded benchmark; the others take any photograph. `sift` is
    OpenCV's.
    """
    grid: Literal[8, 16, 32, 64]
    """Number of patches along a side of the crop: 8, 16, 32 or 64."""
    simulated: SimulatedFeatureParams
    sift: SiftParams
    dinov2: DinoV2Params
    backbones: Overlays
    """Changes of each backbone to the section `features`."""


@dataclass(frozen=True)
class Pretrained:
    """Networks of the label stages; nothing here changes a label beyond rounding."""

    weights: Name
    """Folder that `semagic weights` fills, with a folder for each network."""
    device: Device
    """Device of the networks: auto for the GPU if there is one, or cpu, cuda, cuda:1."""
    batch: Count
    """Number of images that a network sees at once."""


@dataclass(frozen=True)
class Pca:
    """Principal components of the features (16 of DINOv2's in the paper)."""

    dims: Channels
    """Number of components."""
    foreground_share: Share
    """Smallest share of a patch inside the mask, from 0 to 1, for it to take part in the fit."""


def model_of(section: Masks | Depth | Poses | Features) -> str | None:
    """The model behind the backend that a section chooses; None where the backend needs no weights."""
    return getattr(getattr(section, section.backend, None), "model", None)
