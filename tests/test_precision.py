"""Products in bfloat16: every model trains with them, and a checkpoint keeps its precision."""

from dataclasses import replace

import pytest
import torch
from tiny_training import EXAMPLE, TINY, small_cohort

import hgteach
from hgteach.errors import InputError
from hgteach.models import GANS, lstm
from hgteach.training import gan

SHORT = replace(TINY, bfloat16=True)


def run(model="v2.5", settings=SHORT, **arguments):
    table = small_cohort()
    return hgteach.train(model, table, EXAMPLE, settings=settings, progress=False, **arguments)


@pytest.fixture(autouse=True)
def able(monkeypatch):
    """PyTorch can multiply bfloat16 on any processor, if slowly on some."""
    monkeypatch.setattr(gan, "multiplies_bfloat16", lambda: True)


@pytest.mark.parametrize("model", GANS)
def test_short_products_change_the_training_a_little(model):
    short, full = (run(model, s, epochs=1).history.iloc[0] for s in (SHORT, TINY))
    assert short["score_gap"] != full["score_gap"]
    assert short["penalty"] == pytest.approx(full["penalty"], rel=0.05)
    assert short["correlation_loss"] == pytest.approx(full["correlation_loss"], rel=0.05)


def test_weights_stay_in_float32():
    assert {w.dtype for w in run(epochs=1).network.parameters()} == {torch.float32}


def test_resumed_in_bfloat16_ends_in_the_same_tensors(tmp_path):
    whole = run(epochs=2).network.state_dict()
    run(epochs=1, out=tmp_path)
    resumed = run(epochs=2, out=tmp_path, resume=True).network.state_dict()
    assert all(torch.equal(tensor, resumed[name]) for name, tensor in whole.items())


def test_a_checkpoint_is_not_resumed_in_another_precision(tmp_path):
    run(epochs=1, out=tmp_path)
    with pytest.raises(InputError, match="settings"):
        run(settings=TINY, epochs=2, out=tmp_path, resume=True)


def test_a_processor_without_bfloat16_uses_float32(monkeypatch):
    monkeypatch.setattr(gan, "multiplies_bfloat16", lambda: False)
    short, full = (run("v1", s, epochs=1).network.state_dict() for s in (SHORT, TINY))
    assert all(torch.equal(tensor, short[name]) for name, tensor in full.items())


@pytest.mark.parametrize("ability", ["avx512_bf16", "amx_bf16", "avx2"])
def test_the_processor_is_asked(monkeypatch, ability):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {ability: True})
    assert lstm.multiplies_bfloat16.__wrapped__() == (ability != "avx2")
