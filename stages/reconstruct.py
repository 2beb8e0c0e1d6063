"""Compare the meshes of one trained cell with the annotated CAD models."""

import numpy as np

from pipeline.base.exclusive import exclusive
from pipeline.reconstruction.result import write_reconstruction
from pipeline.reconstruction.score import score_reconstructions
from pipeline.tracking import recordings
from stages.arguments import parse_cell, run_stage


def main() -> None:
    workspace, cell = parse_cell(__doc__)
    with exclusive(workspace.lock("reconstruct", *cell)):
        scores = score_reconstructions(workspace, cell)
        write_reconstruction(workspace.reconstruction(cell), scores)
        recordings.record(workspace, recordings.reconstruction(workspace, cell))
        mean = np.mean([(image.rigid, image.similarity, image.best) for image in scores.images], axis=0)
        print(
            f"reconstruct {cell.name}: {len(scores.images)} images, normalised Chamfer x 100: rigid {mean[0]:.2f}, "
            f"similarity {mean[1]:.2f}, nearest model {mean[2]:.2f}"
        )


if __name__ == "__main__":
    run_stage(main)
