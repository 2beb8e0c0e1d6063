"""The sections of `params.yaml` about learning a category: the weights of the loss, and the schedule."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.config.kinds import Amount, Count, Device, Pixels, Rate, Share, Size
from pipeline.config.ranges import AtLeast, Below, Between, NotBelow


@dataclass(frozen=True)
class Loss:
    """Weights of the loss terms; 0 switches a term off."""

    mask: Amount
    """Weight of the squared error of the silhouette."""
    distance: Amount
    """Weight of the interior that is missing, by its distance to the mask's border (MagicPony)."""
    outline: Amount
    """Weight of the squared distance between outlines and projected vertices.

    The images are others than those that are rendered. The paper does not have this term.
    """
    rgb: Amount
    """Weight of the absolute error of the colours."""
    feature: Amount
    """Weight of the squared error of the rendered features (MagicPony).

    The feature field is compared with the principal components of the image's features.
    """
    feature_deformed: Share
    """Share of the feature term at deformed instead of canonical positions, from 0 to 1."""
    eikonal: Amount
    """Weight of the squared deviation of the signed distance's slope from 1."""
    surface_size: Amount
    """Weight of the deviation of the surface from its initial place and size.

    The surface is that of the signed distance; no image constrains its place and size.
    """
    deformation: Amount
    """Weight of the mean squared offset."""
    laplacian: Amount
    """Weight of the roughness of the offsets over the mesh."""
    feat_cons: Amount
    """Weight of the feature consistency (Eq. 7)."""
    depth: Amount
    """Weight of the scale- and shift-invariant error of the disparity (Eq. 12)."""
    pose: Amount
    """Weight of the error of the pose (Eq. 13).

    At 0 a run has no pose supervision, and several viewpoint hypotheses.
    """
    logit: Amount
    """Weight of the regression of each hypothesis' reconstruction loss (MagicPony)."""
    logit_feature_boost: Amount
    """Factor on the feature term in the target of the term `logit`.

    MagicPony has 50, for a weight of 10.
    """


@dataclass(frozen=True)
class PoseAugmentation:
    """Random changes of the crops whose poses are compared with their labels."""

    background: Share
    """Share of crops that take the background of another one, from 0 to 1."""
    rotation: Annotated[float, Between(0, 180)]
    """Largest turn in the image plane [degrees]."""
    log_scale: Annotated[float, Between(0, 1)]
    """Largest natural logarithm of the scale."""
    shift: Share
    """Largest shift [half sides of the crop]."""


@dataclass(frozen=True)
class LabelRefinement:
    """Refinement of the pose labels while images are rendered in them, which the paper does not have."""

    step: Annotated[float, Between(0, 10)]
    """Turn of a label each time that its image is rendered [degrees]; 0 keeps the labels."""
    shrinkage: Share
    """Share of the way back to the label each time, from 0 to 1."""
    start: Share
    """Time from which on labels are refined [share of the steps]."""


@dataclass(frozen=True)
class Exploration:
    """Draws of one of several viewpoint hypotheses (MagicPony)."""

    uniform_until: Share
    """Time until which all hypotheses are equally probable [share of the steps]."""
    blend_until: Annotated[Share, NotBelow("uniform_until")]
    """Time from which on the logits alone decide the probabilities [share of the steps]."""
    best_from: Share
    """Time from which on the best hypothesis is drawn more often [share of the steps]."""
    best_until: Annotated[Share, NotBelow("best_from")]
    """Time from which on `best_share` of the draws take the best hypothesis [share of the steps]."""
    best_share: Share
    """Share of draws that take the best hypothesis in the end, from 0 to 1.

    The other draws take any hypothesis.
    """
    sharpness: Annotated[float, Between(1, 100)]
    """Inverse temperature of the probabilities at the end of the run, from 1 to 100.

    It grows linearly with the steps, from 1 on.
    """
    lr_angles: Rate
    """Learning rate of the pose head in runs with several hypotheses."""
    lr_logits: Rate
    """Learning rate of the hypotheses' logits."""


@dataclass(frozen=True)
class Training:
    """Training of one category."""

    device: Device
    """Device of a training: auto, cpu, cuda or cuda:1.

    `auto` is a GPU where there is one and nvdiffrast is installed, otherwise the CPU. The same bytes come out again on
    a CPU only. A change of the word trains again.
    """
    matmul: Literal["float32", "tf32"]
    """Precision of matrix products on a GPU: float32, or tf32 with 10 bits of mantissa."""
    steps: Count
    """Number of steps."""
    batch: Count
    """Number of images that a step renders."""
    image_size: Pixels
    """Side of the rendered images [pixels]."""
    fill_holes: bool
    """Whether holes of masks are filled, which the paper does not do.

    A closed surface cannot have them: a wheel then is a disc, which a template can learn, and not a ring with spokes,
    which tears it.
    """
    lr_prior: Rate
    """Learning rate of the signed distance and of the feature field."""
    lr_instance: Rate
    """Learning rate of the encoder, deformation, texture and light."""
    lr_codes: Rate
    """Learning rate of the vertices' codes."""
    lr_pose: Rate
    """Learning rate of the pose head in runs with pose supervision."""
    final_lr_factor: Share
    """Factor on all learning rates in the last part of the run."""
    final_share: Share
    """Length of the last part of the run [share of the steps]."""
    clip: Size
    """Largest norm of the gradient of a group of parameters."""
    flip: bool
    """Whether images are mirrored, each with the probability 1/2."""
    pose_batch: Count
    """Number of images whose poses a step compares with their labels, without rendering."""
    pose_augmentation: PoseAugmentation
    outline_batch: Count
    """Number of images whose outlines a step compares with projected vertices, without rendering."""
    outline_from: Share
    """Time from which on outlines are compared [share of the steps].

    Runs without pose supervision, which have to find their poses first, wait until `deform_from`.
    """
    deform_from: Share
    """Time from which on the template deforms [share of the steps].

    With the identity `frozen` the topology is frozen at that time.
    """
    feat_cons_ramp: Share
    """Time from `deform_from` until the feature consistency has its weight [share of the steps].

    The weight grows linearly.
    """
    label_pose_until: Share
    """Time until which images are rendered in the poses of their labels [share of the steps]."""
    label_refinement: LabelRefinement
    depth_from: Share
    """Time from which on the depth term counts [share of the steps]."""
    jitter: Annotated[float, AtLeast(0), Below(0.5)]
    """Largest random shift of the grid before the template deforms [sides of the grid]."""
    ema: Annotated[float, AtLeast(0), Below(1)]
    """Decay of the running average of the weights, from 0 to 1; the average is what is evaluated."""
    hypotheses: Exploration
    checkpoint_every: Count
    """Number of steps between two checkpoints."""
    log_every: Count
    """Number of steps between two rows of the loss curve."""
