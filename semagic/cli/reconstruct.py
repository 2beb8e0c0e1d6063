"""`semagic reconstruct`: the mesh and the pose of one object."""

import json
from pathlib import Path
from typing import Annotated

import typer

from semagic.cli.models import Model, Weights, model_folder
from semagic.cli.numbers import parse_box
from semagic.cli.options import Root


def reconstruct(
    model: Model,
    photograph: Annotated[Path, typer.Argument(metavar="PHOTOGRAPH", help="Photograph with the object.")],
    box: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Box of the object in pixels.", show_default="found")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FOLDER", help="Where the files go.", show_default="reconstructions/PHOTOGRAPH"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print box and pose as JSON.")] = False,
    weights: Weights = None,
    root: Root = Path(),
) -> None:
    """Reconstruct the object of a photograph.

    Writes mesh.glb, the deformed mesh turned as the photograph shows it (docs/conventions.md), overlay.jpg, the
    photograph with the mesh over it, each vertex in a colour of its own, and pose.json: angles in degrees and the
    rotation from the object frame to the camera frame.
    """
    place = parse_box(box, "--box")
    folder = model_folder(model, root)
    # Only now what is slow to import, so that a mistake is told at once.
    from pipeline.base.files import make_folder, write_json
    from pipeline.exporting.scenes import Surface, write_glb
    from pipeline.photographs.cameras import object_angles
    from pipeline.photographs.image_files import write_image
    from pipeline.photographs.upright import read_upright
    from pipeline.pictures.answers import draw_mesh
    from semagic import CategoryModel

    image = read_upright(photograph)
    trained = CategoryModel.load(folder, weights=weights)
    found = place or trained.find_box(photograph)
    mesh = trained.reconstruct(trained.prepare(photograph, found))
    angles = dict(zip(("azimuth", "elevation", "theta"), object_angles(mesh.rotation), strict=True))
    pose = {"box": list(found), **angles, "rotation": mesh.rotation.tolist()}
    content = {"model": trained.cell.name, "photograph": photograph.name, **pose}
    target = to or Path("reconstructions") / photograph.stem
    make_folder(target)
    surface = Surface(mesh.vertices, mesh.faces, mesh.identity, mesh.albedo)
    write_glb(target / "mesh.glb", surface, {}, mesh.rotation, content)
    depth = -(mesh.vertices @ mesh.rotation.T)[:, 2]
    write_image(target / "overlay.jpg", draw_mesh(image, mesh.pixels, depth, mesh.faces, mesh.identity))
    write_json(target / "pose.json", content)
    if as_json:
        print(json.dumps(content, indent=2))
    else:
        said = ", ".join(f"{name} {value:.1f}" for name, value in angles.items())
        print(f"reconstruct {trained.cell.name}: {said} degrees -> {target}")
