"""What a bundle may hold: nothing that was not registered, nothing that could run code, nothing beside it."""

import hashlib
import io
import json
import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from infra.bundle import (
    LARGEST_BYTES,
    MANIFEST,
    MODEL,
    REASONS,
    Bundle,
    ModelFileError,
    pack_bundle,
    read_bundle,
    write_bundle,
)
from infra.scorer import load_bundle
from pipelines.tampering import small_bundle

BUNDLE = small_bundle(1)
FEATURES = np.random.default_rng(3).normal(size=(50, 4))


def repacked(model: bytes = BUNDLE.files[MODEL], reasons: bytes = BUNDLE.files[REASONS], **changed: object) -> Bundle:
    """A bundle with other content and a manifest that vouches for it, as somebody would make who may write anything."""
    files = {MODEL: model, REASONS: reasons}
    listed = {name: {"sha256": hashlib.sha256(c).hexdigest(), "bytes": len(c)} for name, c in files.items()}
    manifest = {**BUNDLE.manifest, "files": listed, **changed}
    return Bundle({**files, MANIFEST: json.dumps(manifest).encode()})


def graph_with(change: object) -> bytes:
    """The model's graph after `change` was made to it."""
    model = onnx.load_from_string(BUNDLE.files[MODEL])
    change(model)
    return model.SerializeToString()


def loaded(folder, bundle: Bundle):
    return load_bundle(write_bundle(folder, bundle), bundle.sha256)


def test_a_bundle_that_was_written_and_read_is_the_same_to_the_byte(tmp_path):
    assert read_bundle(write_bundle(tmp_path, BUNDLE), BUNDLE.sha256) == BUNDLE


def test_the_same_content_has_the_same_name_and_another_fact_another():
    packed = {
        facts: pack_bundle(
            "linear", b"", None, features=("a",), bias=0.0, calibration={}, decision_threshold=0.5, facts={"x": facts}
        ).sha256
        for facts in (1, 2)
    }

    assert packed[1] != packed[2]
    assert BUNDLE.sha256 == hashlib.sha256(BUNDLE.files[MANIFEST]).hexdigest()


def test_a_fact_that_json_does_not_have_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack_bundle(
            "linear", b"", None, features=(), bias=float("nan"), calibration={}, decision_threshold=0.5, facts={}
        )


def test_an_answer_explains_itself(tmp_path):
    scorer = loaded(tmp_path, BUNDLE)

    said = scorer.explain(FEATURES)

    assert np.allclose(said.contributions.sum(axis=1) + said.bias, said.log_odds, rtol=0, atol=1e-9)
    assert np.allclose(1 / (1 + np.exp(-said.log_odds)), scorer.probability(FEATURES), rtol=0, atol=1e-12)


def test_a_row_alone_has_the_bits_it_has_in_a_batch(tmp_path):
    scorer = loaded(tmp_path, BUNDLE)
    many = np.tile(FEATURES, (11, 1))[:521]  # over one block of reasons, and no multiple of a vector

    batch, said = scorer.probability(many), scorer.explain(many)

    for row in (0, 255, 256, 519, 520):
        assert scorer.probability(many[row : row + 1])[0] == batch[row]
        assert np.array_equal(scorer.explain(many[row : row + 1]).contributions[0], said.contributions[row])


def test_no_rows_have_no_probabilities(tmp_path):
    scorer = loaded(tmp_path, BUNDLE)

    assert scorer.probability(FEATURES[:0]).shape == (0,)
    assert scorer.explain(FEATURES[:0]).contributions.shape == (0, 4)


def test_a_bundle_that_was_cut_short_by_a_kill_is_written_whole_again(tmp_path):
    (tmp_path / ".model.onnx.123.part").write_bytes(b"half")

    assert loaded(tmp_path, BUNDLE).sha256 == BUNDLE.sha256


@pytest.mark.parametrize("name", ["model.pkl", ".hidden", "model.onnx.data", "folder/file"])
def test_a_file_that_does_not_belong_is_refused_by_its_name(tmp_path, name):
    write_bundle(tmp_path, BUNDLE)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()

    with pytest.raises(ModelFileError, match=rf"/{name.split('/')[0]} does not belong to a bundle"):
        load_bundle(tmp_path, BUNDLE.sha256)


@pytest.mark.parametrize("name", [MODEL, REASONS, MANIFEST])
@pytest.mark.parametrize("is_folder", [False, True])
def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path, name, is_folder):
    write_bundle(tmp_path, BUNDLE)
    (tmp_path / name).unlink()
    if is_folder:
        (tmp_path / name).mkdir()

    with pytest.raises(ModelFileError, match=f"/{name} is missing; restore it"):
        load_bundle(tmp_path, BUNDLE.sha256)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelFileError, match=r"nowhere/manifest.json is missing"):
        load_bundle(tmp_path / "nowhere", BUNDLE.sha256)


def test_a_bundle_of_another_name_is_refused_with_both(tmp_path):
    write_bundle(tmp_path, BUNDLE)

    with pytest.raises(
        ModelFileError, match=rf"manifest.json is not what .* SHA-256 {BUNDLE.sha256[:12]}\.\.\., expected 0000"
    ):
        load_bundle(tmp_path, "0" * 64)


@pytest.mark.parametrize("more", [0, 1])
def test_a_file_of_the_most_bytes_is_read_and_one_more_is_refused(tmp_path, monkeypatch, more):
    monkeypatch.setitem(LARGEST_BYTES, MODEL, len(BUNDLE.files[MODEL]) - more)
    write_bundle(tmp_path, BUNDLE)

    if more:
        with pytest.raises(ModelFileError, match=r"model.onnx has over \d+ bytes, the most allowed"):
            load_bundle(tmp_path, BUNDLE.sha256)
    else:
        assert load_bundle(tmp_path, BUNDLE.sha256).sha256 == BUNDLE.sha256


def npy(array: np.ndarray, **how: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **how)
    return buffer.getvalue()


class Trap:
    """Unpickled, it would fail the test that holds it."""

    def __reduce__(self) -> tuple:
        return pytest.fail, ("somebody unpickled the file",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy(np.array([[Trap()]], dtype=object), allow_pickle=True), "is no plain array"),
        (pickle.dumps(Trap()), "is no plain array"),
        (b"", "is no plain array"),
        (npy(np.zeros((3, 4), dtype=np.float32)), "holds float32, expected float64"),
        (npy(np.zeros((3, 5))), r"has shape \(3, 5\), expected a column for each of 4 features"),
        (npy(np.zeros(4)), r"has shape \(4,\)"),
    ],
    ids=["objects", "pickle", "empty", "float32", "width", "flat"],
)
def test_reasons_that_are_no_table_of_numbers_are_refused_though_the_manifest_vouches(tmp_path, content, words):
    with pytest.raises(ModelFileError, match=f"/reasons.npy {words}"):
        loaded(tmp_path, repacked(reasons=content))


@pytest.mark.parametrize("shape", ["(9999999999999, 4)", "(-1, 4)", f"({10**30}, 4)"])
def test_reasons_that_claim_to_be_larger_than_any_memory_are_refused(tmp_path, shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    claiming = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 32

    with pytest.raises(ModelFileError, match=r"/reasons.npy is no plain array"):
        loaded(tmp_path, repacked(reasons=claiming))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"format": 2}, "has format 2 with .*, expected 1"),
        ({"code": "import os"}, "has format 1 with .*'code'"),
        ({"kind": "pickle"}, "lists .* for a model of kind 'pickle', expected"),
        ({"bias": "0"}, "has format 1 with"),
        ({"kind": "linear"}, "lists .* for a model of kind 'linear', expected"),
        ({"files": {}}, r"lists \[\] for a model of kind 'forest'"),
        ({"files": {MODEL: {}, REASONS: {}}}, ".*expected SHA-256 and bytes"),
    ],
    ids=["format", "key", "kind", "type", "other kind", "files", "hashes"],
)
def test_a_manifest_of_another_form_is_refused(tmp_path, changed, words):
    with pytest.raises(ModelFileError, match=f"/manifest.json {words}"):
        loaded(tmp_path, repacked(**changed))


def test_a_graph_with_another_number_of_features_than_the_manifest_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"/model.onnx takes and gives .*'features', 'tensor\(double\)', 4"):
        loaded(tmp_path, repacked(features=["a", "b", "c"]))


def elsewhere(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def with_branch(model: onnx.ModelProto) -> None:
    branch = helper.make_graph([], "branch", [], [])
    model.graph.node.append(helper.make_node("If", ["c0"], ["x"], then_branch=branch, else_branch=branch))


def with_function(model: onnx.ModelProto) -> None:
    model.functions.append(helper.make_function("own", "Add", [], ["y"], [], [helper.make_opsetid("", 17)]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.graph.node.append(helper.make_node("Evil", ["c0"], ["x"], domain="their.own")), "their.own.Evil"),
        (lambda m: m.graph.node.append(helper.make_node("StringNormalizer", ["c0"], ["x"])), ".StringNormalizer"),
        (lambda m: m.graph.node.append(helper.make_node("Add", ["c0"], ["x"], domain="their.own")), "their.own.Add"),
        (with_branch, "field 7.1.5.6, which is not allowed"),
        (with_function, "field 25, which is not allowed"),
        (elsewhere, "field 7.5.1[34], which is not allowed"),
        (lambda m: m.metadata_props.add(key="a", value="b"), "field 14, which is not allowed"),
        (lambda m: m.opset_import.append(helper.make_opsetid("their.own", 1)), "operator sets .*their.own"),
        (lambda m: setattr(m.opset_import[0], "version", 21), r"operator sets .*\('', 21\)"),
        (lambda m: setattr(m, "ir_version", 10), r"format \[10\]"),
        (lambda m: m.graph.initializer.append(numpy_helper.from_array(np.array(["x"]), "s")), "field 7.5.6"),
    ],
    ids=["custom", "other", "domain", "subgraph", "function", "external", "metadata", "opset", "version", "ir", "text"],
)
def test_a_graph_with_anything_off_the_list_is_refused_though_the_manifest_vouches_for_it(tmp_path, change, words):
    with pytest.raises(ModelFileError, match=f"/model.onnx holds .*{words}"):
        loaded(tmp_path, repacked(model=graph_with(change)))


def test_a_manifest_that_is_no_table_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match=r"/manifest.json has format"):
        loaded(tmp_path, Bundle({**BUNDLE.files, MANIFEST: b"[]"}))


def test_a_graph_that_does_not_run_is_refused_by_its_file(tmp_path):
    broken = graph_with(lambda model: model.graph.node[0].input.append("nothing"))

    with pytest.raises(ModelFileError, match=r"/model.onnx does not run \("):
        loaded(tmp_path, repacked(model=broken))
