"""`semagic new`: a category of one's own, from a folder of photographs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.base.errors import InputError
from semagic.cli.options import Root

if TYPE_CHECKING:
    from semagic.own.gather import Gathered, Skipped

FEWEST = 10
"""Photographs below which nothing is learned."""
SENSIBLE = 50
"""Photographs from which on a template is likely to be of use."""
FOLDS = (0, 1, 2, 4)
SHOWN = 20
"""Reasons that are printed, at most."""


def new(
    category: Annotated[str, typer.Argument(metavar="CATEGORY", help="Its name: letters, digits, '_' and '-'.")],
    photos: Annotated[Path, typer.Argument(metavar="PHOTOS", help="Folder with a photograph of each object.")],
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", help="Boxes, masks, viewpoints, keypoints: columns of pipeline/data/photographs_csv.py."
        ),
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror/--no-mirror", help="Whether the objects have a mirror plane.")
    ] = True,
    fold: Annotated[
        int | None,
        typer.Option(metavar="0|1|2|4", help="Sides that look alike; 0: all round.", show_default="the table's, or 1"),
    ] = None,
    most: Annotated[int, typer.Option(min=FEWEST, help="Photographs that are used, at most.")] = 2000,
    root: Root = Path(),
) -> None:
    """Make a training set of your own photographs.

    params.yaml and dvc.yaml are set up for it. Photographs are read as people see them (JPEG, PNG, WebP, BMP, TIFF;
    HEIC with pillow-heif) and copied into photographs/CATEGORY, no longer than 1600 pixels. Boxes are found by GrabCut
    where the table names none. One in five photographs is held out. Labels and features are those of the networks in
    weights/, or of GrabCut and SIFT. `git checkout params.yaml dvc.yaml reports` goes back to what was there.
    """
    if fold is not None and fold not in FOLDS:
        raise typer.BadParameter(f"expected 0, 1, 2 or 4; found {fold}.", param_hint="--fold")
    from pipeline.config.categories import check_category
    from pipeline.config.opening import open_workspace

    check_category(category, "folder")
    workspace = open_workspace(root)
    # Only now what is slow to import, so that a mistake is told at once.
    from pipeline.base.files import write_text
    from pipeline.base.text_files import read_text
    from pipeline.base.yaml_text import parse_yaml
    from pipeline.config.params import parse_params
    from pipeline.config.profiles import merge_text
    from pipeline.fanout.data_paths import use_folder
    from pipeline.fanout.machine import cores
    from pipeline.fanout.projection import in_words, project, stage_counts
    from pipeline.labels.masks.grabcut import GrabCutMasks
    from semagic.own.annotations import read_annotations
    from semagic.own.dataset import splits, table_categories, write_category
    from semagic.own.gather import Skipped, gather, list_photographs
    from semagic.own.settings import Known, choose_backends, settings

    rows = read_annotations(table, category) if table else {}
    masks = {row.mask.resolve() for row in rows.values() if row.mask is not None}
    paths, there = list_photographs(photos.resolve(), most, masks)
    lost = [path.name for path in rows if not path.is_file()]
    skipped = Skipped(dict.fromkeys(lost, "the table names it, and there is no such file"))
    grabcut = GrabCutMasks(workspace.params.masks.grabcut)
    found = list(gather(photos.resolve(), paths, rows, grabcut, skipped))
    _describe(category, photos, there, len(paths), found, skipped)
    if len(found) < FEWEST:
        raise InputError(
            f"{photos}: expected at least {FEWEST} usable photographs, and {SENSIBLE} for a template that is likely to "
            f"be of use; found {len(found)}. Nothing was changed. Add photographs."
        )
    split = splits(found)
    learned = [one for one in found if split[one.name] == "train"]
    known = Known(
        masks=all(one.row is not None and one.row.mask is not None for one in found),
        poses=all(one.row is not None and one.row.angles is not None for one in learned),
    )
    backends = choose_backends(workspace, known)
    folder = root / workspace.params.data.folder
    others = [name for name in table_categories(folder) if name != category]
    run = workspace.params.categories if workspace.params.data.reader == "folder" else ()
    running = [name for name in others if name in run]
    text = read_text(root / "params.yaml", "Restore it: git checkout params.yaml.")
    text = merge_text(text, settings(root, [*running, category], backends, mirror), f"semagic new {category}")
    params = parse_params(parse_yaml(text, "params.yaml"), "params.yaml")
    write_category(folder, category, found, split, fold)
    write_text(root / "params.yaml", text)
    use_folder(root)
    counts = {name: sum(1 for value in split.values() if value == name) for name in ("train", "test", "val")}
    cell = f"{params.trained[0]}-{params.backbones[0]}-{category}-{params.seeds[0]}"
    taught = f", {counts['val']} to teach how far matches can be trusted" if counts["val"] else ""
    shares = f"{counts['train']} photographs to learn from, {counts['test']} held out{taught}"
    print(f"{category}: {shares} -> {folder / category}")
    print(f"Labels: {backends.describe()}.")
    if backends.features == "sift":
        print("Without networks in weights/ results are rough: `semagic weights` fetches them, then run this again.")
    jobs = cores()
    print(f"Projected time on {jobs} cores: {in_words(project(stage_counts(params), params, jobs))}. Go on:")
    print(f"  semagic run                          learns {cell}, and says what it is worth in reports/table1.md")
    print(f"  semagic show {category:<24}its page in the browser")
    print(f"  semagic match {cell} A.jpg B.jpg")
    print("  git checkout params.yaml dvc.yaml reports    back to the benchmark")


def _describe(
    category: str, photos: Path, there: int, looked: int, found: "list[Gathered]", skipped: "Skipped"
) -> None:
    """What was found in the folder, and what is not used and why."""
    spread = f", of which {looked} evenly spread ones are looked at (--most)" if looked < there else ""
    print(f"{category}: {there} photographs in {photos}{spread}; {len(found)} usable, {len(skipped.reasons)} not.")
    for label, reason in list(skipped.reasons.items())[:SHOWN]:
        print(f"  not used: {label}: {reason}")
    if len(skipped.reasons) > SHOWN:
        print(f"  ... and {len(skipped.reasons) - SHOWN} more")
    unsure = [one.source.name for one in found if not one.sure]
    if unsure:
        print(
            f"  in {len(unsure)} nothing stands out from the background, so that nearly the whole photograph is taken "
            f"for the object: {', '.join(unsure[:5])}{' ...' if len(unsure) > 5 else ''}"
        )
    if FEWEST <= len(found) < SENSIBLE:
        print(f"  {len(found)} are few: from {SENSIBLE} on a template is likely to be of use.")
