"""A Ray cluster as the place where the stages of a run are executed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError, nearest
from pipeline.base.sources import ROOT
from pipeline.cluster.connection import GIGABYTE, IGNORED, check_resources, connected, count_places
from pipeline.cluster.executor import ClusterExecutor
from pipeline.cluster.order import Orders
from pipeline.cluster.sent_files import SentFiles
from pipeline.cluster.shared_folder import SharedFolder
from pipeline.config.params import Params, load_params
from pipeline.config.resource_params import Resources
from pipeline.fanout.gpus import Gpus
from pipeline.fanout.plan import Plan
from pipeline.fanout.processes import Processes, stage_environment
from pipeline.fanout.stage_imports import stage_imports


def on_cluster(address: str, scratch: str | None, autoscaling: bool) -> Callable[[Plan], Any]:
    """Function that opens a cluster for the stages of a plan.

    Args:
        address: as for `ray.init`.
        scratch: folder of each machine for attempts; None where all machines share the repository.
        autoscaling: whether the cluster adds machines by itself, so that one that is missing may come.
    """

    @contextmanager
    def opened(plan: Plan) -> Iterator[ClusterExecutor]:
        root, home = Path(plan.repo.root_dir), Path(plan.repo.tmp_dir) / "cluster"
        params = load_params(root / "params.yaml")
        needs = {stage: ray_options(params.resources, stage) for stage in {name.split("@")[0] for name in plan.stages}}
        _check_names(params.resources, ROOT)
        if scratch is not None:
            _check_paths(params)
        runtime: dict[str, Any] = {"env_vars": {"PYTHONPATH": str(ROOT)}}
        if scratch is not None:
            runtime = {"working_dir": str(root), "excludes": [f"/{name}" for name in IGNORED]}
        with connected(address, runtime) as ray:
            nodes = ray.nodes()
            amounts = {stage: _amounts(options) for stage, options in needs.items()}
            if not autoscaling:
                check_resources(amounts, nodes)
            transport = SharedFolder(root, home) if scratch is None else SentFiles(ray, root, home, scratch)
            modules = tuple(stage_imports(root, plan.stages))
            with transport.opened():
                yield ClusterExecutor(
                    ray,
                    root,
                    home,
                    Orders(root, modules, _releases(params), lambda inputs: _weights(params, root, inputs)),
                    transport,
                    lambda name: needs[name.split("@")[0]],
                    params.resources.retries,
                    Processes(stage_environment(), gpus=Gpus(())).execute,
                    None if autoscaling else count_places(amounts.values(), nodes),
                )

    return opened


def ray_options(resources: Resources, stage: str) -> dict[str, Any]:
    """What a cell of a stage takes, in the words of Ray."""
    need = resources.stages.get(stage, resources.default)
    return {"num_cpus": need.cores, "num_gpus": need.gpus, "memory": round(need.memory * GIGABYTE)}


def _amounts(options: Mapping[str, Any]) -> dict[str, float]:
    return {"CPU": options["num_cpus"], "GPU": options["num_gpus"], "memory": options["memory"]}


def _check_names(resources: Resources, root: Path) -> None:
    known = sorted(path.stem for path in (root / "stages").glob("*.py") if path.stem not in ("__init__", "arguments"))
    for name in resources.stages:
        if name not in known:
            raise InputError(f"params.yaml: unknown stage 'resources.stages.{name}'. {nearest(name, known)}")


def _releases(params: Params) -> tuple[str, ...]:
    """Folders of data sets in the repository."""
    paths = (params.data.pascal3d, params.data.spair, params.data.folder)
    return tuple(path for path in paths if path and not Path(path).is_absolute() and ".." not in Path(path).parts)


def _check_paths(params: Params) -> None:
    """What is sent to other machines lies in the repository."""
    for key in ("pascal3d", "spair", "folder"):
        path = getattr(params.data, key)
        if path and (Path(path).is_absolute() or ".." in Path(path).parts):
            raise InputError(
                f"params.yaml: data.{key}: expected a path inside the repository, as its files are sent to machines "
                f"that share no folder; found '{path}'. Link it into the repository, or share the repository and leave "
                "--scratch out."
            )


def _weights(params: Params, root: Path, inputs: tuple[str, ...]) -> tuple[str, ...]:
    """The folder of pretrained networks, for the stages that may use them."""
    folder = params.pretrained.weights
    labels = (params.masks, params.depth, params.poses, params.features)
    used = "downloads.yaml" in inputs and any(section.backend != "simulated" for section in labels)
    return (folder,) if used and (root / folder).is_dir() and not Path(folder).is_absolute() else ()
