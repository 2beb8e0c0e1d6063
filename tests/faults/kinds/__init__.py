"""Every kind of file that the project reads."""

from faults.kind import Kind
from faults.kinds import archives, careless, labels, meshes, models, photographs, releases, results, settings, stages

KINDS: dict[str, Kind] = {
    kind.name: kind
    for module in (releases, meshes, photographs, labels, models, results, stages, settings, archives)
    for kind in module.KINDS
}
"""Kinds by name, in the order in which data flow through the pipeline."""
CARELESS: dict[str, Kind] = {kind.name: kind for kind in careless.KINDS}
"""Readers that do what none must, so that the tests can be tested."""
