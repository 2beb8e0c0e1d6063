"""The section of `params.yaml` about finding poses by render-and-compare."""

from dataclasses import dataclass
from typing import Annotated

from pipeline.config.kinds import Amount, Count, Share, Size
from pipeline.config.ranges import AtLeast, Between, NotAbove, NotEmpty, Unique

Turn = Annotated[float, Between(-180, 180)]
"""An angle in degrees."""


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the difference between the head's pose and the right one."""

    azimuth: Size
    """Standard deviation of the azimuth [degrees]."""
    elevation: Size
    """Standard deviation of the elevation [degrees]."""
    theta: Size
    """Standard deviation of the in-plane rotation [degrees]."""
    offset: Size
    """Standard deviation of the shift, along each axis [half sides of the crop]."""
    log_zoom: Size
    """Standard deviation of the natural logarithm of the zoom."""


@dataclass(frozen=True)
class Refine:
    """Pose refinement by render-and-compare, which the paper does not have."""

    enabled: bool
    """Whether predicted poses are refined."""
    vertices: Annotated[int, AtLeast(4)]
    """Number of vertices of the mesh that is rendered; a template with fewer is rendered as it is."""
    cap: Size
    """Largest squared error of a patch's features, summed over the principal components.

    It is also the price of a patch of the object that the mesh leaves bare, and of one beside the object that it
    covers.
    """
    gap: Annotated[int, Between(0, 15)]
    """Largest gap in the object that may be covered at no cost; 0 for none [patches].

    So may be what is enclosed when such gaps are closed: a closed surface cannot show what is seen through a wheel.
    """
    prior: Amount
    """Weight of the squared distance to the head's pose [spreads]."""
    spread: Spread
    azimuths: Annotated[tuple[Turn, ...], NotEmpty(), Unique()]
    """Turns about the object's up axis that the search starts from [degrees]."""
    elevations: Annotated[tuple[Turn, ...], NotEmpty(), Unique()]
    """Changes of the elevation that the search starts from, each with each of `azimuths` [degrees]."""
    kept: Count
    """Number of the best starts that the search goes on from."""
    rounds: Count
    """Number of rounds of the search (cross-entropy method)."""
    samples: Annotated[Count, AtLeast(2)]
    """Number of poses that a round tries from each start that was kept."""
    elite: Annotated[Count, AtLeast(2), NotAbove("samples")]
    """Number of the best of them that the next round is drawn like."""
    first_spread: Size
    """Standard deviations of the first round [spreads]."""
    memory: Share
    """Share of the standard deviations that a round takes over from the one before it, from 0 to 1."""
