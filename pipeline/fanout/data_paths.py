"""The dataset's paths among the dependencies in dvc.yaml, which are those of the reader that is used."""

import re
from pathlib import Path

from pipeline.base.files import write_text
from pipeline.base.text_files import read_text

RELEASES = re.compile(r'"\$\{data\.(?:pascal3d|spair)\}[^"]*"(,?)(\s*)')
FOLDER = "${data.folder}"
TABLE = f'"{FOLDER}/photographs.csv"'


def use_folder(root: Path) -> bool:
    """Let the stages in `root`/dvc.yaml depend on photographs of one's own in place of the releases.

    Returns:
        Whether the file was changed; `git checkout dvc.yaml` goes back.
    """
    path = root / "dvc.yaml"
    text = read_text(path, "Restore it: git checkout dvc.yaml.")
    changed = with_folder(text)
    if changed != text:
        write_text(path, changed)
    return changed != text


def with_folder(text: str) -> str:
    """The text of dvc.yaml, where `data.folder` takes the place of the releases among the dependencies.

    A stage for one category depends on the category's folder and on the table of all; one for all on the whole folder.
    """

    def rewritten(block: re.Match[str]) -> str:
        body = block[2]
        if not re.search(r"\$\{data\.(?:pascal3d|spair)\}", _deps(body)):
            return block[0]
        single = "${item.category}" in body
        paths = f'{TABLE}, "{FOLDER}/${{item.category}}"' if single else f'"{FOLDER}"'
        return block[1] + body.replace(_deps(body), _replaced(_deps(body), paths), 1)

    return re.sub(r"^(  \w+:\n)((?:    .*\n|\n)*)", rewritten, text, flags=re.MULTILINE)


def _deps(body: str) -> str:
    """The list of dependencies of a stage, with its brackets; empty where there is none."""
    found = re.search(r"^    deps: (\[.*?\])$", body, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


def _replaced(deps: str, paths: str) -> str:
    bare = RELEASES.sub("", deps[:-1]).rstrip().rstrip(",")
    return f"{bare},\n      {paths}]"
