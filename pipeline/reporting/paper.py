"""The numbers of the paper's Tables 1 and 2 (SEMAGIC, arXiv 2605.27938), by row and category."""


def _read(table: str) -> dict[str, dict[str, float]]:
    """Numbers by row and column of a table whose first line holds the names of the columns."""
    columns, *rows = (line.split() for line in table.strip().splitlines())
    return {name: dict(zip(columns, map(float, numbers), strict=True)) for name, *numbers in rows}


TABLE1 = _read(
    """
                       aeroplane bicycle  boat  bottle   bus   car  chair motorbike train tvmonitor
    mp                    60.6     45.1   22.6   40.3   23.4  33.9   27.6    47.4    32.6    40.6
    mp_depth              60.9     46.1   25.8   40.5   23.9  35.1   30.0    49.3    32.9    41.4
    mp_pose               61.2     50.9   33.0   42.7   41.8  44.5   31.6    51.3    37.8    43.8
    nearest_neighbour     62.8     47.8   30.2   41.1   43.1  43.6   30.2    48.6    45.8    25.1
    pca_nearest_neighbour 70.5     69.0   39.3   36.1   41.0  48.2   31.0    56.2    46.5    15.8
    ours                  62.9     57.6   42.9   45.0   62.4  63.5   37.6    54.6    45.3    49.1
    wo_index              61.8     56.5   42.3   44.6   62.0  61.7   37.0    54.3    44.8    48.6
    wo_feat_cons          62.0     56.3   42.5   44.7   59.5  61.3   37.2    54.4    45.0    48.8
    wo_both               61.3     56.1   41.4   43.5   61.4  60.9   36.7    54.2    43.6    47.9
    wo_depth              62.8     56.3   38.6   43.8   58.6  62.0   35.7    52.6    44.9    48.2
    wo_pose               61.1     50.4   32.3   42.0   44.7  49.9   31.5    50.2    39.2    45.7
    """
)
"""PCK@0.1 in per cent."""

TABLE2 = _read(
    """
                       aeroplane bicycle  boat  bottle   bus   car  chair motorbike train tvmonitor
    mp                     7.3      8.7    5.0    2.5   16.3   5.6    5.2     6.6    19.2     5.5
    ours                   6.5      8.1    2.6    2.7    9.6   5.1    4.4     5.8    14.9     2.2
    """
)
"""Normalised Chamfer distance x 100."""
