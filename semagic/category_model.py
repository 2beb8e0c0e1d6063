"""A trained category: photographs in; correspondences and posed, deformed meshes out."""

from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import ArrayLike

from pipeline.base.errors import InputError, nearest
from pipeline.confidence.signs import find_signs
from pipeline.config.cells import Cell
from pipeline.labels.features import FeatureBackend
from pipeline.labels.features.label import BACKENDS
from pipeline.labels.masks.grabcut import GrabCutMasks
from pipeline.labels.masks.standing_out import find_object
from pipeline.labels.registry import make_backend
from pipeline.matching.images import describe_image, token_components, vertex_components
from pipeline.matching.methods import MESH_METHODS
from pipeline.matching.queries import Queries
from pipeline.photographs.crops import Crop, from_crop, to_crop
from pipeline.photographs.photo import Photo
from pipeline.prediction.draw_sheet import identity_colours
from pipeline.prediction.finder import find_box
from semagic.loading import Trained, load_trained
from semagic.photographs import ARRAY, WHOLE, Photograph, read_object
from semagic.results import Matches, PreparedPhoto, Reconstruction
from semagic.threads import one_thread


class CategoryModel:
    """A trained category, ready to match and to reconstruct photographs of its objects.

    Answers are those of the stages `predict` and `evaluate` to the last bit, and are computed on one thread as there.
    """

    def __init__(self, trained: Trained):
        self._trained = trained
        self._params = trained.workspace.params
        self._vertex_features = vertex_components(trained.predictor.vertex_features, trained.pca)

    @classmethod
    @one_thread()
    def load(
        cls,
        folder: str | PathLike[str],
        *,
        params: str | PathLike[str] | None = None,
        pca: str | PathLike[str] | None = None,
        calibration: str | PathLike[str] | None = None,
        weights: str | PathLike[str] | None = None,
    ) -> "CategoryModel":
        """Load a category from its bundle, or from the folder that it was trained in. Nothing in them is executed.

        Args:
            folder: a bundle, which `semagic export` writes and which needs nothing else of its run; or the folder
                models/<variant>/<backbone>/<category>/<seed> of a run.
            params: the parameter file that the model was trained with. Only a folder that has been moved needs it: None
                stands for the nearest params.yaml above `folder`.
            pca: the principal components of the category's features. Only a folder that has been moved needs them:
                None stands for components/<backbone>/<category>/pca.safetensors in the folder of the parameter file.
            calibration: calibration.json, from which probabilities of matches are computed. None stands for that in
                evaluation/<variant>/<backbone>/<category>/<seed> in the folder of the parameter file; where there is
                none, probabilities are NaN.
            weights: folder of pretrained networks, for features that need one. None stands for `pretrained.weights` of
                the parameter file, and for a bundle for the folder weights/ of the current folder.

        Raises:
            InputError: a file is missing or damaged, a bundle is of a newer version, or the files do not belong
                together.
        """
        paths = (Path(path) if path else None for path in (params, pca, calibration, weights))
        return cls(load_trained(Path(folder), *paths))

    @property
    def cell(self) -> Cell:
        """Variant, backbone, category and seed of the training."""
        return self._trained.cell

    @one_thread()
    def prepare(self, photograph: Photograph, box: Sequence[float] | None = None) -> PreparedPhoto:
        """Compute the patch features of one object, and predict its mesh; the result serves any number of matches.

        Features are those of the backbone that the model was trained on. Simulated features exist for photographs of
        the embedded benchmark alone, each of which has its truth beside it.

        Args:
            photograph: path of an image file, or its RGB pixels.
            box: box (x0, y0, x1, y1) of the object in pixels. None says that the photograph is itself a square crop
                round the object, `data.crop_margin` times as wide as the longer side of the object.

        Raises:
            InputError: the photograph cannot be read, it has no truth where features are simulated, or the box is not
                one of the photograph.
        """
        photo, crop = read_object(photograph, box, self.cell.category, self._params.data.crop_margin)
        self._check_features(photo)
        (tokens,) = self._backend.token_maps([photo], [crop], flip=False)
        # Half precision, as the stage `features` keeps them.
        tokens = tokens.astype(np.float16).astype(np.float32)
        prediction = self._trained.predictor.predict(torch.from_numpy(tokens))
        prediction = prediction._replace(projection=prediction.projection.from_crop(crop))
        height, width = photo.image.shape[:2]
        image = describe_image(crop, width, height, tokens, self._params.evaluation.map_size)._replace(
            components=token_components(tokens, self._trained.pca),
            projection=prediction.projection.to_crop(crop),
            pose_score=prediction.pose_score,
            vertex_features=self._vertex_features,
            vertex_positions=self._trained.predictor.positions,
        )
        return PreparedPhoto(self.cell, image, prediction)

    @one_thread()
    def find_box(self, photograph: Photograph) -> tuple[float, float, float, float]:
        """Find the largest object of the category in a photograph, by the features.

        Where these are SIFT's, which tell an object from its background too badly, it is what GrabCut finds to stand
        out from the borders.

        Returns:
            The box (x0, y0, x1, y1) in pixels, for `prepare`.

        Raises:
            InputError: the photograph cannot be read, nothing in it looks like the category, or the model was moved
                without the file that tells the object from its background.
        """
        if self._trained.foreground is None:
            raise InputError(
                f"The model {self.cell.name} has no foreground.safetensors beside its principal components, without "
                "which no object is found. Pass the object's box, or run the stage `pca`."
            )
        photo, _ = read_object(photograph, WHOLE, self.cell.category, self._params.data.crop_margin)
        self._check_features(photo)
        height, width = photo.image.shape[:2]
        if self._params.features.backend == "sift":
            salient = find_object(photo.image, GrabCutMasks(self._params.masks.grabcut))
            if salient is not None:
                return salient.x0, salient.y0, salient.x1, salient.y1

        def tokens_of(crops: list[Crop]) -> list[np.ndarray]:
            found = self._backend.token_maps([photo] * len(crops), crops, flip=False)
            return [tokens.astype(np.float16).astype(np.float32) for tokens in found]

        box = find_box(width, height, tokens_of, self._trained.foreground, self._params.data.crop_margin)
        if box is None:
            raise InputError(
                f"{photo.path}: expected a {self.cell.category}, found nothing in the photograph that looks like one "
                "to the model. Pass the object's box (x0, y0, x1, y1)."
            )
        return box.x0, box.y0, box.x1, box.y1

    @one_thread()
    def match(self, a: PreparedPhoto, b: PreparedPhoto, points: ArrayLike, reading: str | None = None) -> Matches:
        """Find points of photograph `a` in photograph `b` (SEMAGIC Eq. 8-11).

        Args:
            points: N points (x, y) on the object in pixels of `a`.
            reading: how matches are read off the model: 'projection' of the shared vertex alone, with the local
                'search' among the features of `b` (Eq. 11), or by a 'guided' search of all of `b`. None stands for
                `correspondence.reading` of the variant.

        Raises:
            InputError: another model has prepared a photograph, the points are not finite numbers [N, 2], or there is
                no such reading.
        """
        self._check(a, b)
        pixels = np.asarray(points, dtype=np.float64)
        if pixels.ndim != 2 or pixels.shape[1] != 2 or not np.isfinite(pixels).all():
            raise InputError(
                f"expected points as finite numbers [N, 2] in pixels, found an array {list(pixels.shape)}."
            )
        if len(pixels) == 0:
            return Matches(np.zeros((0, 2)), np.zeros(0, bool), np.zeros(0), np.zeros(0))
        queries = _queries(to_crop(pixels, a.image.crop))
        images, name = [a.image, b.image], reading or self._params.correspondence.reading
        if name not in MESH_METHODS:
            raise InputError(f"unknown reading '{name}'. {nearest(name, MESH_METHODS)}")
        found = MESH_METHODS[name](queries, images, self._params.correspondence)
        signs = find_signs(queries, images, {name: found})[name]
        calibration = self._trained.calibrations.get(name)
        rows = torch.stack(signs, -1).numpy()
        probability = calibration.probability(rows) if calibration else np.full(len(rows), np.nan)
        return Matches(
            from_crop(found.numpy(), b.image.crop), signs.visible.numpy() > 0, signs.similarity.numpy(), probability
        )

    def reconstruct(self, photo: PreparedPhoto) -> Reconstruction:
        """The posed, deformed mesh of the object, as the model predicts it.

        Raises:
            InputError: another model has prepared the photograph.
        """
        self._check(photo)
        projection, deformed = photo.prediction.projection, photo.prediction.deformed
        # The projection is of the subdivided mesh, whose first vertices are those of the template.
        count = len(deformed)
        return Reconstruction(
            deformed.numpy(),
            self._trained.predictor.template.faces.numpy(),
            projection.rotation.numpy(),
            projection.vertices[:count].numpy(),
            projection.visible[:count].numpy(),
            identity_colours(self._trained.predictor.template.vertices).numpy(),
            photo.prediction.albedo.numpy(),
        )

    @cached_property
    def _backend(self) -> FeatureBackend:
        """The feature backend; a network is loaded when the first photograph is prepared."""
        return make_backend("features", BACKENDS, self._trained.workspace)

    def _check_features(self, photo: Photo) -> None:
        if photo.path == ARRAY and self._params.features.backend == "simulated":
            raise InputError(
                "The features of this model are simulated from the truth beside a photograph; pixels have none. Pass "
                "the path of a photograph of the embedded benchmark, or train on the features of dinov2 or sift."
            )

    def _check(self, *photos: PreparedPhoto) -> None:
        for photo in photos:
            if photo.cell != self.cell:
                raise InputError(
                    f"expected a photograph that this model, {self.cell.name}, has prepared; {photo.cell.name} has. "
                    "Prepare it with this model."
                )


def _queries(points: Float[np.ndarray, "N 2"]) -> Queries:
    """Points in crop coordinates of the first image, each of which is looked for in the second one."""
    count = len(points)
    first = torch.zeros(count, dtype=torch.int64)
    return Queries(first + 1, torch.arange(count), first, torch.from_numpy(points))
