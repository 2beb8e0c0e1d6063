"""The command `semagic`, run within the process of a test."""

from typer.testing import CliRunner, Result

from semagic.cli.app import app


def semagic(*arguments: object) -> Result:
    """Run `semagic` with these arguments; errors that it does not report itself are raised."""
    return CliRunner().invoke(
        app, [str(argument) for argument in arguments], prog_name="semagic", catch_exceptions=False
    )
