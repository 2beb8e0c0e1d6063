"""Run the outdated stages of dvc.yaml in parallel; `dvc repro` runs the same stages sequentially.

After a failure, the stages that do not need the failed one still run. Each stage is one
`dvc repro --single-item`, in a process of its own. Its output goes to .dvc/tmp/fanout/<stage>.log.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from dvc.exceptions import DvcException

from pipeline.base.errors import InputError
from pipeline.base.interrupts import interruptible
from pipeline.config.params import load_params
from pipeline.fanout.gpus import Gpus
from pipeline.fanout.plan import Plan, make_plan
from pipeline.fanout.processes import Processes
from pipeline.fanout.progress import Progress, summary
from pipeline.fanout.projection import in_words, projected_seconds, stages_to_go
from pipeline.fanout.scheduler import run_graph


def run_stages(targets: Sequence[str], jobs: int, gpus: Gpus) -> bool:
    """Bring `targets` up to date, and print the progress.

    Args:
        targets: names as for `dvc repro`, such as 'train' or 'masks@car'. If empty, every stage of dvc.yaml.
        jobs: maximum number of stages that run in parallel, at least 1.
        gpus: GPUs that the stages share.

    Returns:
        Whether no stage failed.

    Raises:
        InputError: DVC finds no repository, no valid dvc.yaml or no such target, or another DVC process holds the lock.
        KeyboardInterrupt: Ctrl-C or a termination signal. The running stages have been ended too.
    """
    with interruptible():
        try:
            plan = make_plan(targets)
        except DvcException as error:
            raise InputError(str(error)) from error
        if not plan.needs:
            print(f"All {plan.current} stages are up to date.")
            return True
        return _run_plan(plan, min(jobs, len(plan.needs)), gpus)


def stage_command(stage: str) -> list[str]:
    """Command line that runs one stage if it is not up to date, and ends when this process ends."""
    return [sys.executable, "-m", "pipeline.fanout.stage_process", stage]


def stage_environment() -> dict[str, str]:
    """Environment of the stages, in which `python` is the one that runs this process, activated or not."""
    search = os.environ.get("PATH", os.defpath)
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{search}"}


def _run_plan(plan: Plan, jobs: int, gpus: Gpus) -> bool:
    processes = Processes(stage_command, plan.temporary / "fanout", stage_environment(), gpus=gpus)
    print(f"{plan.current} stages are up to date; {len(plan.needs)} to go, {jobs} at once.")
    _print_projection(plan.needs, jobs)
    with Progress(len(plan.needs), processes) as progress:
        outcome = run_graph(
            plan.needs, processes.run, jobs, started=progress.started, ended=progress.ended, stop=processes.stop
        )
    print(summary(outcome))
    return not outcome.failed


def _print_projection(stages: Iterable[str], jobs: int) -> None:
    """Print the projected time. Print nothing in a repository without parameters of this project."""
    try:
        params = load_params()
    except InputError:
        return
    seconds = projected_seconds(stages_to_go(stages, params), params, jobs)
    print(f"Projected time if every stage has to run: {in_words(seconds)}.", flush=True)
