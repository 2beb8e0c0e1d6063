"""Labels, features, principal components, truths, and the lists of instances and pairs."""

from pathlib import Path

import numpy as np
import torch

from faults.kind import Kind, file_kind
from faults.kinds.photographs import check_mask
from faults.kinds.signed import own
from pipeline.base.checksums import CHECKSUMS, write_checksums
from pipeline.labels.components.foreground import Foreground, read_foreground, write_foreground
from pipeline.labels.components.pca import Pca, read_pca, write_pca
from pipeline.labels.depth import read_depth, write_depth
from pipeline.labels.features import Tokens, read_tokens, write_tokens
from pipeline.labels.masks import MaskLabel, read_mask_label, write_mask_label
from pipeline.labels.poses import PoseLabel, read_pose, write_pose
from pipeline.photographs.lists import PairList, pair_list, read_instances, read_pairs, write_instances, write_pairs
from pipeline.photographs.records import Box, Instance, Pair, Viewpoint
from pipeline.photographs.truth import Truth, read_truth, write_truth
from support.photographs import SHAPE, ellipse, make_instance, make_truth

DIMS = 4
VIEW = Viewpoint(30.0, 10.0, 0.0, 5.0, 1.0, 60.0, 45.0, 3000.0)


def labels(root: Path) -> None:
    """One label of each kind, and the lists."""
    rng = np.random.default_rng(0)
    truth = make_truth()
    tokens = rng.normal(size=(2, 8, 8, 6)).astype(np.float32)
    basis = np.linalg.qr(rng.normal(size=(6, DIMS)))[0].T.astype(np.float32)
    pca = Pca(tokens.mean((0, 1, 2)), basis, -np.ones(DIMS, np.float32), np.ones(DIMS, np.float32))
    write_mask_label(root / "masks" / "a.png", MaskLabel(ellipse(), 0.9, 1), make_instance("a"))
    write_depth(root / "depth" / "a.npy", (1 / truth.depth)[::2, ::2])
    write_pose(root / "poses" / "a.json", PoseLabel(30.0, 10.0, -5.0, 1))
    write_tokens(root / "features" / "a.npz", Tokens(tokens[0], tokens[1]))
    write_truth(root / "truth" / "a.truth.npz", truth)
    write_pca(root / "components" / "pca.safetensors", pca)
    whitening = np.tril(rng.normal(size=(2, 6, 6)), -1) + np.eye(6)
    foreground = Foreground(*(a.astype(np.float32) for a in (rng.normal(size=(2, 6)), whitening, np.zeros(1))))
    write_foreground(root / "components" / "foreground.safetensors", foreground)
    instances = [Instance(**{**vars(make_instance(name)), "viewpoint": VIEW, "cad_index": 1}) for name in "abcd"]
    write_instances(root / "instances" / "instances.parquet", instances)
    points = np.array([[20.5, 45.0], [60.0, 15.0]])
    boxes = instances[0].box, instances[0].box
    pairs = [Pair("car", *names, ("0", "3"), points, points + 1, *boxes, 0) for names in ("ab", "cd")]
    write_pairs(root / "instances" / "pairs.json", pair_list("car", "test", pairs))
    for folder in root.iterdir():
        write_checksums(folder)


def _check_tokens(tokens: Tokens) -> None:
    for array in tokens:
        assert array is None or (array.ndim == 3 and array.dtype == np.float32 and np.isfinite(array).all())


def _check_depth(depth: np.ndarray) -> None:
    assert depth.shape == SHAPE and depth.dtype == np.float32 and np.isfinite(depth).all()


def _check_pose(pose: PoseLabel) -> None:
    assert np.isfinite(pose[:3]).all() and pose.symmetry in (0, 1, 2, 4) and abs(pose.elevation) <= 90


def _check_truth(truth: Truth) -> None:
    assert truth.mask.dtype == bool and truth.depth.shape == truth.mask.shape == truth.surface.shape[:2]
    assert np.isfinite(truth.depth).all() and np.isfinite(truth.pose).all() and truth.pose.shape == (4,)


def _check_pca(pca: Pca) -> None:
    dims, channels = pca.components.shape
    assert pca.mean.shape == (channels,) and pca.low.shape == pca.high.shape == (dims,)
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in pca)


def _check_foreground(foreground: Foreground) -> None:
    probability = foreground.probability(torch.zeros(3, foreground.mean.shape[-1]))
    assert ((probability >= 0) & (probability <= 1)).all()


def _check_box(box: Box) -> None:
    assert np.isfinite(list(box)).all() and box.width > 0 and box.height > 0


def _check_instances(instances: list[Instance]) -> None:
    for instance in instances:
        _check_box(instance.box)
        assert instance.viewpoint is None or np.isfinite(list(instance.viewpoint)).all()
        assert 0 < instance.width < 1e6 and 0 < instance.height < 1e6
        assert isinstance(instance.name, str) and "/" not in instance.name and instance.name not in ("", ".", "..")
        assert not Path(instance.image).is_absolute() and ".." not in Path(instance.image).parts


def _check_pairs(pairs: PairList) -> None:
    for pair in pairs.pairs:
        _check_box(pair.source_box)
        _check_box(pair.target_box)
        assert len(pair.keypoint_ids) == len(pair.source_keypoints) == len(pair.target_keypoints)
        assert np.isfinite(pair.source_keypoints).all() and np.isfinite(pair.target_keypoints).all()


KINDS: tuple[Kind, ...] = (
    *own("mask label", labels, "masks/a.png", read_mask_label, check=check_mask),
    *own("depth label", labels, "depth/a.npy", lambda path: read_depth(path, *SHAPE), check=_check_depth),
    *own("pose label", labels, "poses/a.json", read_pose, "json", _check_pose),
    *own("features", labels, "features/a.npz", read_tokens, check=_check_tokens),
    *own("principal components", labels, "components/pca.safetensors", read_pca, check=_check_pca),
    *own("foreground", labels, "components/foreground.safetensors", read_foreground, check=_check_foreground),
    *own("instances", labels, "instances/instances.parquet", read_instances, check=_check_instances),
    *own("pairs", labels, "instances/pairs.json", read_pairs, "json", _check_pairs),
    file_kind("truth", labels, "truth/a.truth.npz", read_truth, check=_check_truth),
    Kind(
        name="checksums",
        make=labels,
        path=f"masks/{CHECKSUMS}",
        read=lambda root: read_mask_label(root / "masks" / "a.png"),
        form="text",
        exact=True,
        names=("a.png",),
    ),
)
