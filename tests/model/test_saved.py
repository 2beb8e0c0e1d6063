"""A trained model on disk."""

import pytest
import torch
from safetensors.torch import load_file

from pipeline.base.errors import InputError
from pipeline.model.saved import load_model, save_model
from support.models import model_of


@pytest.mark.parametrize("change", ["frozen", "changing", "grid"])
def test_a_saved_model_is_read_back_whole(tmp_path, change):
    model = model_of(model__deformation__identity="grid" if change == "grid" else "frozen")
    if change == "frozen":
        model.freeze()
    save_model(tmp_path, model, {"category": "car"})
    found = load_model(tmp_path)
    assert (found.frozen is None) == (model.frozen is None)
    state = found.state_dict()
    assert state.keys() == model.state_dict().keys()
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    for one, other in zip(found.template(), model.template(), strict=True):
        if isinstance(other, torch.Tensor):
            assert torch.equal(one, other)


@pytest.mark.parametrize("frozen", [True, False])
def test_names_in_the_file_do_not_depend_on_the_classes_of_the_model(tmp_path, frozen):
    model = model_of()
    if frozen:
        model.freeze()
    save_model(tmp_path, model, {})
    tensors = load_file(tmp_path / "model.safetensors")
    networks = {"sdf", "field", "encoder", "deformation", "texture", "light", "pose"}
    mesh = {"template_vertices", "template_faces", "template_mirror"}
    assert {name.split(".")[0] for name in tensors} == {"codes", *mesh, *networks}
    assert {"sdf.input.weight", "sdf.output.weight"} <= tensors.keys()
    count = len(model.template().vertices) if frozen else 0
    assert tensors["template_vertices"].shape == (count, 3)
    assert tensors["template_mirror"].shape == (count,)


def test_a_folder_without_a_model_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no trained model here"):
        load_model(tmp_path)
