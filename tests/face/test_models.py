"""An operator's own face model: what is refused, and that the rest works with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import skimage.data
from tests.face import variant

from limen import models
from limen.errors import BadInput, Damaged, NotFound
from limen.face import FaceExtractor, evidence, intake
from limen.images import Image
from limen.models import in_use


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return variant.write(tmp_path_factory.mktemp("given"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "models"
    models.look_in(place)
    yield place
    models.look_in(None)


def _portrait() -> Image:
    return Image(skimage.data.astronaut(), None, "png")


def test_an_added_model_makes_templates_of_its_own(given: Path, folder: Path) -> None:
    added = intake.add(given, folder)
    assert (added.name, added.dimension, models.added()) == (variant.NAME, 512, [variant.NAME])
    assert intake.checked(variant.NAME) == len(models.read(variant.NAME))
    result = FaceExtractor([variant.NAME, "sface"]).extract(_portrait())
    assert result.template is not None
    [old] = result.further
    assert (result.template.model, result.template.vector.shape) == (variant.NAME, (512,))
    assert (old.model, old.vector.shape) == ("sface", (128,))
    # colours, levels and mirror image were as the manifest says: it is SFace's template, turned
    assert old.vector @ variant.rotation() == pytest.approx(result.template.vector, abs=1e-3)
    assert abs(result.quality - old.quality) <= 1


def test_the_wrong_order_of_colours_gives_another_template(given: Path, folder: Path) -> None:
    right = FaceExtractor([intake.add(given, folder).name]).extract(_portrait())
    _rewrite(folder, ('"BGR"', '"RGB"'))
    wrong = FaceExtractor([variant.NAME]).extract(_portrait())
    assert right.template is not None and wrong.template is not None
    assert float(right.template.vector @ wrong.template.vector) < 0.97


def _rewrite(folder: Path, *changes: tuple[str, str]) -> None:
    file = folder / f"{variant.NAME}.toml"
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    models.look_in(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('licence = "Apache-2.0"', ""), "licence"),
        (('licence = "Apache-2.0"', 'licence = " "'), "licence"),
        (("sha256 = ", "sha = "), "sha256"),
        (('sha256 = "', 'sha256 = "00'), "sha256"),
        (("dimension = 512", "dimension = 0"), "dimension"),
        (("dimension = 512", ""), "dimension"),
        (("dimension = 512", "dimension = 256"), "256"),
        (("width = 112", "width = 96"), "input size"),
        (("width = 112\nheight = 112", "width = 96\nheight = 96"), "takes"),
        (('name = "photo"', 'name = "data"'), "inputs"),
        (('channels = "BGR"', 'channels = "L"'), "channels"),
        (("mean = 127.5", "mean = [1.0, 2.0]"), "mean"),
        (("scale = 0.0078125", "scale = nan"), "scale"),
        (("scale = 0.0078125", "scale = 0.0"), "scale"),
        (('metric = "cosine"', 'metric = "euclidean"'), "metric"),
        (('metric = "cosine"', ""), "metric"),
        (('role = "face-embedder"', 'role = "face-detector"'), "role"),
        (('file = "', 'file = "../'), "file"),
        (('calibration = "', 'calibration = "/etc/'), "calibration"),
        (("width = 112", 'width = 112\nlayout = "CHW"'), "layout"),
        (("[input]", "[input"), "cannot be read"),
    ],
)
def test_a_manifest_that_misstates_something_is_refused(
    given: Path, folder: Path, tmp_path: Path, change: tuple[str, str], says: str
) -> None:
    other = tmp_path / "given"
    other.mkdir()
    for file in given.parent.iterdir():
        (other / file.name).symlink_to(file)
    text = given.read_text()
    assert change[0] in text
    (other / given.name).unlink()
    (other / given.name).write_text(text.replace(*change, 1))
    with pytest.raises(Damaged, match=says):
        intake.add(other / given.name, folder)
    assert models.added() == []


def test_a_swapped_file_is_refused_wherever_it_is_used(given: Path, folder: Path) -> None:
    intake.add(given, folder)
    file = folder / f"{variant.NAME}.onnx"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    for use in (intake.checked, models.load, lambda name: FaceExtractor([name])):
        with pytest.raises(Damaged, match="not the one"):
            use(variant.NAME)
    file.unlink()
    with pytest.raises(Damaged, match="not there"):
        FaceExtractor([variant.NAME])


def test_a_file_that_is_no_model_is_refused(folder: Path, tmp_path: Path) -> None:
    for data in (b"", b"no graph at all" * 100, models.read("yunet")):
        file = _manifest_for(tmp_path / "given", data)
        with pytest.raises(Damaged):
            intake.add(file, folder)


def test_weights_in_other_files_are_refused_as_the_hash_does_not_cover_them(folder: Path, tmp_path: Path) -> None:
    graph = onnx.load_from_string(variant.graph())
    tensor = graph.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    tensor.external_data.add(key="location", value="weights.bin")
    with pytest.raises(Damaged, match="other files"):
        intake.add(_manifest_for(tmp_path / "given", graph.SerializeToString()), folder)


def test_a_model_that_does_not_look_is_refused(folder: Path, tmp_path: Path) -> None:
    graph = onnx.load_from_string(variant.graph())
    graph.graph.node[0].op_type = "Min"  # of the photo and a constant
    graph.graph.node[1].op_type = "Min"
    for tensor in graph.graph.initializer:
        if tensor.name in ("limen_scale", "limen_mean"):
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.float32(-1000), tensor.name))
    with pytest.raises(Damaged, match="same template"):
        intake.add(_manifest_for(tmp_path / "given", graph.SerializeToString()), folder)


def _manifest_for(folder: Path, data: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{variant.NAME}.onnx").write_bytes(data)
    file = folder / f"{variant.NAME}.toml"
    file.write_text(variant.MANIFEST.format(name=variant.NAME, sha256=hashlib.sha256(data).hexdigest()))
    return file


def test_a_name_belongs_to_one_file(given: Path, folder: Path, tmp_path: Path) -> None:
    intake.add(given, folder)
    intake.add(given, folder)  # the same again
    graph = onnx.load_from_string(given.with_suffix(".onnx").read_bytes())
    graph.doc_string = "another"
    with pytest.raises(BadInput, match="another model called"):
        intake.add(_manifest_for(tmp_path / "given", graph.SerializeToString()), folder)
    with pytest.raises(BadInput, match="comes with Limen"):
        intake.add(variant.write(tmp_path / "sface", "sface"), folder)


def test_the_calibration_of_a_short_name_is_no_model(folder: Path, tmp_path: Path) -> None:
    """`qcut-calibration` has 16 characters, as a model's name may have."""
    intake.add(variant.write(tmp_path / "given", "qcut"), folder)
    assert (folder / "qcut-calibration.toml").is_file()
    assert models.names() == sorted([*models.shipped(), "qcut"])


def test_a_model_without_calibration_can_be_added_but_not_used(folder: Path, tmp_path: Path) -> None:
    intake.add(variant.write(tmp_path / "given", calibrated=False), folder)
    with pytest.raises(Damaged, match="not calibrated"):
        FaceExtractor([variant.NAME])
    result = FaceExtractor([variant.NAME], centred=False).extract(_portrait())
    assert result.template is not None and result.strength > 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("deviation = 0.09397", "deviation = -1.0"), "stand out"),
        (("mated_mean = 0.64827", "mated_mean = 0.05"), "stand out"),
        (("weak = 7.0\n", ""), "must have"),
        (("centre = [", "centre = [0.5, "), "512 numbers"),
        (("strong = 15.0", "strong = inf"), "finite"),
        (("strong = 15.0", "strong = 15.0.0"), "cannot be used"),
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(
    given: Path, folder: Path, change: tuple[str, str], says: str
) -> None:
    intake.add(given, folder)
    file = folder / f"{variant.NAME}-calibration.toml"
    text = file.read_text()
    assert change[0] in text
    file.write_text(text.replace(*change, 1))
    with pytest.raises(Damaged, match=says):
        evidence.calibration(variant.NAME)


def test_a_hub_uses_sface_until_its_operator_chooses(given: Path, folder: Path) -> None:
    assert in_use.chosen(folder) == ["sface"]
    intake.add(given, folder)
    before = in_use.stamp(folder)
    in_use.choose(folder, [variant.NAME, "sface"])
    assert in_use.chosen(folder) == [variant.NAME, "sface"]
    assert in_use.stamp(folder) != before
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o640}  # read by the group of the hub's parts
    with pytest.raises(NotFound):
        in_use.choose(folder, ["nobody"])


def test_another_file_under_the_name_of_the_model_in_use_is_refused(given: Path, folder: Path) -> None:
    intake.add(given, folder)
    in_use.choose(folder, [variant.NAME])
    _rewrite(folder, ('sha256 = "', 'sha256 = "0000'), (text_of_hash(given)[-4:] + '"', '"'))
    with pytest.raises(Damaged, match="not the one that made"):
        in_use.chosen(folder)
    (folder / in_use.catalogue.NOTES).write_text("model = 3")
    models.look_in(folder)
    with pytest.raises(Damaged, match="cannot be read"):
        in_use.chosen(folder)


def test_another_calibration_of_the_model_in_use_is_refused(given: Path, folder: Path, tmp_path: Path) -> None:
    intake.add(given, folder)
    in_use.choose(folder, [variant.NAME])
    other = variant.write(tmp_path / "again")
    file = other.with_name(f"{variant.NAME}-calibration.toml")
    file.write_text(file.read_text().replace("strong = 15.0", "strong = 16.0"))
    with pytest.raises(BadInput, match="in every template"):
        intake.add(other, folder)
    assert in_use.chosen(folder) == [variant.NAME]
    (folder / file.name).write_text(file.read_text())
    with pytest.raises(Damaged, match="not the one that made"):
        in_use.chosen(folder)


def text_of_hash(manifest: Path) -> str:
    return next(line for line in manifest.read_text().splitlines() if line.startswith("sha256")).split('"')[1]


def test_models_in_use_can_change_without_starting_anew(given: Path, folder: Path) -> None:
    intake.add(given, folder)
    extractor = FaceExtractor()
    extractor.use([variant.NAME, "sface"])
    assert extractor.names == [variant.NAME, "sface"]
    with pytest.raises(NotFound):
        extractor.use(["nobody"])
    assert extractor.names == [variant.NAME, "sface"]
