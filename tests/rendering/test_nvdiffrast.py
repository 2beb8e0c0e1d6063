"""The adapter to nvdiffrast, on a stand-in for the package, and what is said where the package or a GPU is missing."""

import sys
from types import ModuleType

import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.rendering.nvdiffrast import NvdiffrastRasterizer, nvdiffrast_obstacle
from pipeline.rendering.rasterizer import BACKENDS, Rasterizer, make_rasterizer
from support import nvdiffrast_stand_in as stand_in
from support.scenes import ball, faces


@pytest.fixture
def gpu(monkeypatch):
    """As if torch found one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.fixture
def package(gpu, monkeypatch):
    return stand_in.install(monkeypatch)


def test_one_context_serves_all_calls(package):
    rasterizer = NvdiffrastRasterizer("cpu")
    pos, tri = ball(dtype=torch.float32)
    for _ in range(2):
        assert rasterizer.rasterize(pos, tri, (16, 16)).any()
    assert package.contexts == [torch.device("cpu")]
    assert isinstance(rasterizer, Rasterizer)


def test_image_space_derivatives_are_not_asked_for(package, monkeypatch):
    asked = []

    def rasterize(*inputs, **options):
        asked.append(options)
        return stand_in.rasterize(*inputs, **options)

    monkeypatch.setattr(package, "rasterize", rasterize)
    NvdiffrastRasterizer("cpu").rasterize(*ball(dtype=torch.float32), (8, 8))
    assert asked == [{"grad_db": False}]


def test_a_given_topology_reaches_the_package(package, monkeypatch):
    rasterizer, made = NvdiffrastRasterizer("cpu"), []
    pos, tri = ball(dtype=torch.float32)
    topology, rast = rasterizer.topology(tri, pos.shape[1]), rasterizer.rasterize(pos, tri, (16, 16))

    def antialias(*inputs, topology_hash):
        made.append(topology_hash)
        return stand_in.antialias(*inputs, topology_hash=topology_hash)

    monkeypatch.setattr(package, "antialias", antialias)
    rasterizer.antialias(rast, rast, pos, tri, topology)
    rasterizer.antialias(rast, rast, pos, tri)
    assert made == [topology, None] and isinstance(topology, stand_in.TopologyHash)


def test_a_mesh_without_faces_has_no_topology(package):
    assert NvdiffrastRasterizer("cpu").topology(faces(), 5) is None


def test_without_faces_antialiasing_passes_the_gradient_of_the_colours_on(package):
    rasterizer = NvdiffrastRasterizer("cpu")
    pos, rast = torch.zeros(2, 3, 4, requires_grad=True), torch.zeros(2, 4, 4, 4)
    color = torch.rand(2, 4, 4, 3, requires_grad=True)
    out = rasterizer.antialias(color, rast, pos, faces())
    assert torch.equal(out, color)
    out.sum().backward()
    assert (color.grad == 1).all() and not pos.grad.any()


def test_attributes_without_channels_give_images_without(package):
    pos, tri = ball(dtype=torch.float32)
    rasterizer = NvdiffrastRasterizer("cpu")
    rast = rasterizer.rasterize(pos, tri, (8, 8))
    assert rasterizer.interpolate(pos[..., :0], rast, tri).shape == (1, 8, 8, 0)


# Which rasterizer is made


def test_a_gpu_with_nvdiffrast_is_found(package, monkeypatch):
    made = []
    patched = BACKENDS["nvdiffrast"]._replace(make=lambda device: made.append(device) or NvdiffrastRasterizer("cpu"))
    monkeypatch.setitem(BACKENDS, "nvdiffrast", patched)
    assert make_rasterizer("auto", "cuda:1").name == make_rasterizer("nvdiffrast", "cuda").name == "nvdiffrast"
    assert made == [torch.device("cuda:1"), torch.device("cuda")]
    assert make_rasterizer("auto", "cpu").name == "cpu"


def test_nvdiffrast_is_refused_on_the_cpu(package):
    with pytest.raises(InputError, match="'nvdiffrast' works on device cuda, not on 'cpu'. .*choose 'auto'"):
        make_rasterizer("nvdiffrast", "cpu")


@pytest.mark.parametrize("name", ["auto", "nvdiffrast"])
def test_a_missing_package_names_the_command_and_the_licence(gpu, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "nvdiffrast", None)
    monkeypatch.delitem(sys.modules, "nvdiffrast.torch", raising=False)
    message = (
        r"No rasterizer works on device 'cuda' here\. nvdiffrast is not installed.*"
        r"pip install --no-build-isolation git\+https://github\.com/NVlabs/nvdiffrast@v0\.4\.0.*non-commercial"
    )
    with pytest.raises(InputError, match=message):
        make_rasterizer(name, "cuda")


def test_without_a_gpu_the_build_of_torch_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"'cuda' here\. nvdiffrast needs an NVIDIA GPU, and torch .* finds none"):
        make_rasterizer("auto", "cuda")


def test_another_package_of_the_name_is_told_apart(gpu, monkeypatch):
    monkeypatch.setitem(sys.modules, "nvdiffrast", ModuleType("nvdiffrast"))
    monkeypatch.delitem(sys.modules, "nvdiffrast.torch", raising=False)
    assert "has no module nvdiffrast.torch" in nvdiffrast_obstacle()


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ("raise ImportError('undefined symbol: _ZN3c10')", "(undefined symbol: _ZN3c10). Build it again for torch"),
        ("import a_package_that_it_needs", "a_package_that_it_needs"),
    ],
)
def test_a_package_that_does_not_load_says_why(gpu, monkeypatch, tmp_path, failure, message):
    (tmp_path / "nvdiffrast").mkdir()
    (tmp_path / "nvdiffrast" / "__init__.py").write_text("")
    (tmp_path / "nvdiffrast" / "torch.py").write_text(failure)
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("nvdiffrast", "nvdiffrast.torch"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    assert message in nvdiffrast_obstacle()
    sys.modules.pop("nvdiffrast", None)
