"""Fit the principal components of one category's features on the object, and what tells the object from the rest."""

from pipeline.base.exclusive import exclusive
from pipeline.labels.components.foreground import fit_foreground, write_foreground
from pipeline.labels.components.masked_tokens import foreground_tokens, masked_tokens
from pipeline.labels.components.pca import fit_pca, write_pca
from stages.arguments import parse_backbone, run_stage


def main() -> None:
    workspace, backbone, category = parse_backbone(__doc__)
    with exclusive(workspace.lock("pca", backbone, category)):
        tokens = foreground_tokens(workspace, backbone, category)
        path = workspace.pca(backbone, category)
        images = masked_tokens(workspace, backbone, category)
        foreground = fit_foreground(images, workspace.params.pca.foreground_share)
        write_foreground(workspace.foreground(backbone, category), foreground)
        write_pca(path, fit_pca(tokens, workspace.params.pca.dims))
        print(f"pca {backbone} {category}: {workspace.params.pca.dims} components of {len(tokens)} tokens -> {path}")


if __name__ == "__main__":
    run_stage(main)
