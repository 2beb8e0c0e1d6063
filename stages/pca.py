"""Fit the principal components of one category's features, on the training tokens that lie on the object."""

from pipeline.labels.features.foreground import foreground_tokens
from pipeline.pca import fit_pca, write_pca
from stages.arguments import parse_cell, run_stage


def main() -> None:
    params, layout, category = parse_cell(__doc__)
    tokens = foreground_tokens(params, layout, category)
    write_pca(layout.pca(category), fit_pca(tokens, params.pca.dims))
    print(f"pca {category}: {params.pca.dims} components of {len(tokens)} tokens -> {layout.pca(category)}")


if __name__ == "__main__":
    run_stage(main)
