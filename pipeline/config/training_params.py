"""The sections of `params.yaml` about learning a category: the weights of the loss, and the schedule."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Loss:
    """Weights of the loss terms; 0 switches a term off."""

    mask: float
    """Weight of the squared error of the silhouette."""
    distance: float
    """Weight of the interior that is missing, by its distance to the mask's border (MagicPony)."""
    rgb: float
    """Weight of the absolute error of the colours."""
    feature: float
    """Weight of the squared error of the rendered features (MagicPony).

    The feature field is compared with the principal components of the image's features.
    """
    feature_deformed: float
    """Share of the feature term at deformed instead of canonical positions, from 0 to 1."""
    eikonal: float
    """Weight of the squared deviation of the signed distance's slope from 1."""
    surface_size: float
    """Weight of the deviation of the surface from its initial place and size.

    The surface is that of the signed distance; no image constrains its place and size.
    """
    deformation: float
    """Weight of the mean squared offset."""
    laplacian: float
    """Weight of the roughness of the offsets over the mesh."""
    feat_cons: float
    """Weight of the feature consistency (Eq. 7)."""
    depth: float
    """Weight of the scale- and shift-invariant error of the disparity (Eq. 12)."""
    pose: float
    """Weight of the error of the pose (Eq. 13).

    At 0 a run has no pose supervision, and several viewpoint hypotheses.
    """
    logit: float
    """Weight of the regression of each hypothesis' reconstruction loss (MagicPony)."""
    logit_feature_boost: float
    """Factor on the feature term in the target of the term `logit`.

    MagicPony has 50, for a weight of 10.
    """


@dataclass(frozen=True)
class PoseAugmentation:
    """Random changes of the crops whose poses are compared with their labels."""

    background: float
    """Share of crops that take the background of another one, from 0 to 1."""
    rotation: float
    """Largest turn in the image plane [degrees]."""
    log_scale: float
    """Largest natural logarithm of the scale."""
    shift: float
    """Largest shift [half sides of the crop]."""


@dataclass(frozen=True)
class Exploration:
    """Draws of one of several viewpoint hypotheses (MagicPony)."""

    uniform_until: float
    """Time until which all hypotheses are equally probable [share of the steps]."""
    blend_until: float
    """Time from which on the logits alone decide the probabilities [share of the steps]."""
    best_from: float
    """Time from which on the best hypothesis is drawn more often [share of the steps]."""
    best_until: float
    """Time from which on `best_share` of the draws take the best hypothesis [share of the steps]."""
    best_share: float
    """Share of draws that take the best hypothesis in the end, from 0 to 1.

    The other draws take any hypothesis.
    """
    sharpness: float
    """Inverse temperature of the probabilities at the end of the run, from 1 to 100.

    It grows linearly with the steps, from 1 on.
    """
    lr_angles: float
    """Learning rate of the pose head in runs with several hypotheses."""
    lr_logits: float
    """Learning rate of the hypotheses' logits."""


@dataclass(frozen=True)
class Training:
    """Training of one category."""

    device: str
    """Device of a training: auto, cpu, cuda or cuda:1.

    `auto` is a GPU where there is one and nvdiffrast is installed, otherwise the CPU. The same bytes come out again on
    a CPU only. A change of the word trains again.
    """
    matmul: Literal["float32", "tf32"]
    """Precision of matrix products on a GPU: float32, or tf32 with 10 bits of mantissa."""
    steps: int
    """Number of steps."""
    batch: int
    """Number of images that a step renders."""
    image_size: int
    """Side of the rendered images [pixels]."""
    lr_prior: float
    """Learning rate of the signed distance and of the feature field."""
    lr_instance: float
    """Learning rate of the encoder, deformation, texture and light."""
    lr_codes: float
    """Learning rate of the vertices' codes."""
    lr_pose: float
    """Learning rate of the pose head in runs with pose supervision."""
    final_lr_factor: float
    """Factor on all learning rates in the last part of the run."""
    final_share: float
    """Length of the last part of the run [share of the steps]."""
    clip: float
    """Largest norm of the gradient of a group of parameters."""
    flip: bool
    """Whether images are mirrored, each with the probability 1/2."""
    pose_batch: int
    """Number of images whose poses a step compares with their labels, without rendering."""
    pose_augmentation: PoseAugmentation
    deform_from: float
    """Time from which on the template deforms [share of the steps].

    With the identity `frozen` the topology is frozen at that time.
    """
    feat_cons_ramp: float
    """Time from `deform_from` until the feature consistency has its weight [share of the steps].

    The weight grows linearly.
    """
    label_pose_until: float
    """Time until which images are rendered in the poses of their labels [share of the steps]."""
    depth_from: float
    """Time from which on the depth term counts [share of the steps]."""
    jitter: float
    """Largest random shift of the grid before the template deforms [sides of the grid]."""
    ema: float
    """Decay of the running average of the weights, from 0 to 1; the average is what is evaluated."""
    hypotheses: Exploration
    checkpoint_every: int
    """Number of steps between two checkpoints."""
    log_every: int
    """Number of steps between two rows of the loss curve."""
