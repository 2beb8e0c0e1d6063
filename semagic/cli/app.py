"""The command `semagic`: its commands, and what their errors look like."""

from typing import Any

import typer
from typer.core import TyperGroup

from pipeline.base.interrupts import interruptible
from pipeline.base.reported import reported
from semagic.cli.bench import bench
from semagic.cli.ceiling import ceiling
from semagic.cli.comments import comments
from semagic.cli.deps import deps
from semagic.cli.export import export
from semagic.cli.match import match
from semagic.cli.new import new
from semagic.cli.profile import profile
from semagic.cli.reconstruct import reconstruct
from semagic.cli.replay import replay
from semagic.cli.run import run
from semagic.cli.show import show
from semagic.cli.sync import sync
from semagic.cli.verify import verify
from semagic.cli.weights import weights

COMMANDS = (
    *(run, show, new, match, reconstruct, export),
    *(profile, weights, verify, sync, ceiling, replay, bench, deps, comments),
)
"""In the order of the help."""
EXIT_CODES = "Exit codes: 0 done; 1 failed, or damage was found; 2 wrong command line; 130 interrupted."


class Reporting(TyperGroup):
    """Commands that report an error which the user can mend in one message on stderr, and an interruption as 130."""

    def invoke(self, ctx: Any) -> Any:
        with interruptible(), reported():
            return super().invoke(ctx)


app = typer.Typer(
    name="semagic",
    cls=Reporting,
    help="Learn deformable 3D models of categories, and match photographs through them.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
for command in COMMANDS:
    app.command(epilog=EXIT_CODES)(command)


def main() -> None:
    """Run the command line of this process, and end it with the exit code."""
    app(prog_name="semagic")
