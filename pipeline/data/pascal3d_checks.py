"""What must be true of an annotated object of PASCAL3D+ for it to be used.

A training image without a usable object, with a photograph or an annotation that is missing or damaged, or with a
photograph of another size than its annotation says, is skipped, and the stage `instances` records it: there are
thousands, and one must not stop the others. For an evaluated image the same is an error, as leaving it out would change
what is reported. Anchors and whatever else nothing depends on are not checked.
"""

from pipeline.data.pascal3d import ObjectRecord, ViewpointRecord

FULL_TURN = 360.0
"""Degrees. The release has azimuths from 0 to 360, and other angles that are smaller."""


def problem(item: ObjectRecord) -> str | None:
    """Why an object cannot be used; None where it can. Values that are not known are no problem, but for the box."""
    if item.bbox is None:
        return f"no {item.category} with a box in its annotation"
    x0, y0, x1, y1 = item.bbox
    if not (x0 < x1 and y0 < y1):
        return f"box {list(item.bbox)} is not one from its left top corner to its right bottom one"
    if item.cad_index is not None and item.cad_index < 1:
        return f"the CAD model {item.cad_index}, where the first is 1"
    return None if item.viewpoint is None else _viewpoint_problem(item.viewpoint)


def _viewpoint_problem(view: ViewpointRecord) -> str | None:
    for name in ("azimuth", "elevation", "theta", "azimuth_coarse", "elevation_coarse"):
        degrees = getattr(view, name)
        if degrees is not None and abs(degrees) > FULL_TURN:
            return f"the viewpoint has {name} {degrees:g}, where degrees from -360 to 360 belong"
    for name in ("distance", "focal", "viewport"):
        length = getattr(view, name)
        if length is not None and length < 0:
            return f"the viewpoint has {name} {length:g}, which is negative"
    return None
