"""Imported networks against what is known of them: our own exports and public files."""

from pathlib import Path

import numpy as np
import pytest

from spaces import SPACES
from spaces.base import Layer
from spaces.networks import export_onnx
from spaces.onnx_model import DynamicDimensionsError, ImportedModel, ModelRefusedError, import_here


def cost(layer: Layer) -> tuple[object, ...]:
    return layer.kind, layer.macs, layer.params, layer.in_elements, layer.out_elements


@pytest.mark.parametrize("name", ["nb201", "fbnet", "ofa", "nb101", "nds_pnas"])
def test_exported_network_imports_back_to_its_own_workload(name: str):
    space = SPACES[name]
    for architecture in space.sample(2, rng=np.random.default_rng(8)):
        model = import_here(export_onnx(architecture))
        workload, expected = model.workload, space.workload(architecture)
        assert [cost(layer) for layer in workload.layers] == [cost(layer) for layer in expected.layers]
        assert (workload.macs, workload.params) == (expected.macs, expected.params)
        assert workload.input_shape == expected.input_shape
        assert model.unsupported == ()


def test_exported_networks_of_different_architectures_have_different_keys():
    space = SPACES["nb201"]
    architectures = space.sample(5, rng=np.random.default_rng(2))
    assert len({import_here(export_onnx(architecture)).key for architecture in architectures}) == 5


# Millions of MACs and of parameters as their authors and the model zoos give them.
KNOWN = {
    "light_bvlc_alexnet": (655, 60.97),
    "light_densenet121": (2834, 7.98),
    "light_inception_v1": (1432, 7.00),
    "light_resnet50": (4089, 25.56),
    "light_squeezenet": (349, 1.235),
    "light_vgg19": (19632, 143.67),
}
CONTROL_FLOW = ("silero_vad__silero_vad.onnx", "silero_vad__silero_vad_op18_ifless.onnx")
WITHOUT_DATA = "nnlqp__resnet18-v1-7-no-weight.onnx"
DIMENSIONS = {"x.2": 48, "x.3": 192, "frames": 100, "sequence_length": 4}


def import_bound(path: Path) -> ImportedModel:
    """The model with its open dimensions bound as somebody would who knows it."""
    content = path.read_bytes()
    try:
        return import_here(content)
    except DynamicDimensionsError as error:
        return import_here(content, {name: DIMENSIONS.get(name, 1) for name in error.names})


@pytest.mark.data
def test_every_public_file_is_imported_or_refused_for_the_right_reason(data_dir: Path):
    files = sorted((data_dir / "onnx").glob("*.onnx"))
    assert len(files) >= 24
    for path in files:
        if path.name in CONTROL_FLOW:
            with pytest.raises(ModelRefusedError, match="decides while it runs"):
                import_bound(path)
        elif path.name == WITHOUT_DATA:
            with pytest.raises(ModelRefusedError, match=r"checker says: .*resnetv15_conv0_weight"):
                import_bound(path)
        else:
            model = import_bound(path)
            assert model.unsupported == (), path.name
            assert model.workload.macs > 0
            assert model.workload.params > 0


@pytest.mark.data
@pytest.mark.parametrize("name", KNOWN)
def test_public_networks_have_their_published_size(data_dir: Path, name: str):
    workload = import_bound(data_dir / "onnx" / f"{name}.onnx").workload
    macs, params = KNOWN[name]
    assert workload.macs / 1e6 == pytest.approx(macs, rel=2e-3)
    assert workload.params / 1e6 == pytest.approx(params, rel=2e-3)


@pytest.mark.data
def test_dynamic_dimensions_are_refused_with_their_names(data_dir: Path):
    content = (data_dir / "onnx" / "rapidocr_onnxruntime__ch_ppocr_mobile_v2.0_cls_infer.onnx").read_bytes()
    with pytest.raises(DynamicDimensionsError, match=r"x\.0, x\.2, x\.3") as caught:
        import_here(content)
    assert caught.value.names == ["x.0", "x.2", "x.3"]


@pytest.mark.data
def test_same_network_in_two_packages_is_one_architecture(data_dir: Path):
    folder = data_dir / "onnx"
    keys = {import_bound(folder / f"speechmos__{name}_models_sig_bak_ovr.onnx").key for name in ("dnsmos", "pdnsmos")}
    assert len(keys) == 1
