"""Run the outdated stages of dvc.yaml in parallel; `dvc repro` runs the same stages sequentially.

After a failure, the stages that do not need the failed one still run. Each command of a stage is a process of its own,
whose output goes to .dvc/tmp/fanout/<stage>.log; it starts with its libraries imported.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from dvc.exceptions import DvcException

from pipeline.base.errors import InputError
from pipeline.base.exclusive import exclusive
from pipeline.base.interrupts import interruptible
from pipeline.config.params import load_params
from pipeline.fanout.bookkeeping import Bookkeeper
from pipeline.fanout.gpus import Gpus
from pipeline.fanout.plan import Plan, make_plan
from pipeline.fanout.processes import Processes, stage_environment
from pipeline.fanout.progress import Progress, summary
from pipeline.fanout.projection import in_words, project, stages_to_go
from pipeline.fanout.scheduler import run_graph
from pipeline.fanout.stage_imports import stage_imports
from pipeline.fanout.stage_runner import StageRunner
from pipeline.fanout.work import Work
from pipeline.warm.client import warm


class Executor(Protocol):
    """Where the commands of stages are executed.

    Attributes:
        places: number of stages that it executes at once, while others wait; None where it is not limited.
    """

    places: int | None

    def execute(self, name: str, work: Work, log: Path) -> int:
        """Execute the commands of a stage, add their output to a log, and return their exit code."""
        ...

    def stop(self) -> None:
        """Make the running calls of `execute` return."""
        ...


Opening = Callable[[Plan], AbstractContextManager[Executor]]
"""Function that opens the place where the stages of a plan are executed."""


def run_stages(targets: Sequence[str], jobs: int, opening: Opening) -> bool:
    """Bring `targets` up to date, and print the progress.

    Args:
        targets: names as for `dvc repro`, such as 'train' or 'masks@car'. If empty, every stage of dvc.yaml.
        jobs: maximum number of stages that run in parallel, at least 1.
        opening: where the stages are executed, such as `on_this_machine(gpus)`.

    Returns:
        Whether no stage failed.

    Raises:
        InputError: DVC finds no repository, no valid dvc.yaml or no such target, or another DVC process holds the lock.
        KeyboardInterrupt: Ctrl-C or a termination signal. The running stages have been ended too.
    """
    with interruptible(), _quiet_dvc():
        try:
            plan = make_plan(targets)
        except DvcException as error:
            raise InputError(str(error)) from error
        if not plan.needs:
            print(f"All {plan.current} stages are up to date.")
            return True
        return _run_plan(plan, min(jobs, len(plan.needs)), opening)


def on_this_machine(gpus: Gpus) -> Opening:
    """Execute stages on this machine.

    Args:
        gpus: GPUs that the stages share.
    """

    @contextmanager
    def opened(plan: Plan) -> Iterator[Processes]:
        root = Path(plan.repo.root_dir)
        with warm(stage_imports(root, plan.stages), root) as variables:
            yield Processes({**stage_environment(), **variables}, gpus=gpus)

    return opened


def _run_plan(plan: Plan, jobs: int, opening: Opening) -> bool:
    temporary = Path(plan.repo.tmp_dir)
    with exclusive(temporary / "fanout.lock"), opening(plan) as executor:
        runner = StageRunner(Bookkeeper(plan.repo, plan.stages), executor.execute, temporary / "fanout")
        at_once = min(jobs, executor.places or jobs)
        print(f"{plan.current} stages are up to date; {len(plan.needs)} to go, {at_once} at once.")
        _print_projection(plan.needs, at_once)
        with Progress(len(plan.needs), runner.log) as progress:
            outcome = run_graph(
                plan.needs, runner.run, jobs, started=progress.started, ended=progress.ended, stop=executor.stop
            )
    print(summary(outcome))
    return not outcome.failed


@contextmanager
def _quiet_dvc() -> Iterator[None]:
    """Keep DVC from telling about each file that it writes."""
    logger = logging.getLogger("dvc")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


def _print_projection(stages: Iterable[str], jobs: int) -> None:
    """Print the projected time. Print nothing in a repository without parameters of this project."""
    try:
        params = load_params()
    except InputError:
        return
    projection = project(stages_to_go(stages, params), params, jobs)
    print(f"Projected time if every stage has to run: {in_words(projection)}.", flush=True)
