"""`prove detectors`: it holds when every named detector rang, and fails naming the fault when one is switched off."""

import pytest

from infra.errors import UsageError
from infra.settings import load_settings
from monitoring.alarms import DETECTORS
from pipelines.detector_trials import Trial, feed_faults
from pipelines.model_faults import model_faults
from preflight import prove_detectors
from preflight.prove_detectors import CONTRACT, NAMED, FaultUnseen, detectors


@pytest.fixture
def settings(tmp_path, monkeypatch):
    seen = [Trial(fault, "2013-07-01", {name: "what", "inputs": "wind"}) for fault, name in NAMED.items()]
    monkeypatch.setattr(
        prove_detectors, "_try_all", lambda context, weeks: [*seen, Trial("an odd one", "2013-07-01", {})]
    )
    return load_settings(home=tmp_path)


def test_it_holds_when_every_named_detector_rang(settings, capsys):
    detectors(settings, 1, None, as_json=False)

    printed = capsys.readouterr().out
    assert "nobody" in printed, "of a fault that none saw"
    assert "6 model faults and 8 feed faults on 1 weeks: each seen" in printed


@pytest.mark.parametrize("name", sorted(set(NAMED.values())))
def test_with_its_detector_switched_off_a_fault_is_unseen(settings, name):
    with pytest.raises(FaultUnseen, match=f"was seen by {name} in 0 of 1 weeks"):
        detectors(settings, 1, name, as_json=False)


def test_a_detector_that_there_is_none_of_is_refused(settings):
    with pytest.raises(UsageError, match="expected one of contract, volume"):
        detectors(settings, 1, "luck", as_json=False)


def test_every_model_fault_has_a_detector_and_every_kind_of_feed_fault_is_tried():
    assert {fault.name for fault in (*model_faults(), *feed_faults())} == set(NAMED)
    assert set(NAMED.values()) <= {CONTRACT, *DETECTORS}
    assert {fault.name for fault in feed_faults()} == {fault for fault, name in NAMED.items() if name == CONTRACT}
