"""The benchmarks: the textbook learns what the package learns, and the measures measure."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import speed, time_to_fidelity
from benchmarks.fidelity import (
    EXAMPLE,
    autocorrelations,
    cohorts,
    fidelity,
    groups_lost,
    transitions,
)
from benchmarks.textbook import LoopedTraining
from hgteach import bench
from hgteach.cli import main
from hgteach.models import GANS
from hgteach.models.v1 import PUBLISHED
from hgteach.training import GanSettings
from hgteach.training.generator import seeded

SMALL = GanSettings(replace(PUBLISHED, noise_size=8, hidden_size=8), batch_size=8, critic_steps=2)
ZERO = ("marginal mean", "association", "autocorrelation", "transitions", "patients who flip")


@pytest.fixture(scope="module")
def groups():
    return cohorts()


@pytest.fixture
def double_precision():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("model", GANS)
def test_the_textbook_and_the_package_learn_the_same(model, double_precision):
    x = torch.rand(12, 6, EXAMPLE.width, generator=seeded(1))
    package = speed.start(model, x, SMALL)
    textbook = LoopedTraining.of(speed.fresh(model, SMALL), SMALL, seeded(0))
    first = textbook.networks.critic.to_score.weight.clone()
    next(package.epochs(1))
    textbook.epoch(x)
    assert not torch.equal(first, textbook.networks.critic.to_score.weight)
    for ours, theirs in zip(package.networks, textbook.networks, strict=True):
        if ours is not None:
            for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
                torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_a_table_is_as_good_as_itself(groups):
    real, _, other = groups
    scores = fidelity(real, real, other)
    assert all(scores[name] == 0 for name in ZERO)
    assert scores["groups lost"] == 0
    assert scores["detector AUC"] < 0.6


def test_what_is_spoilt_is_measured(groups):
    real, held_out, _ = groups
    bad = real.copy()
    bad["VL"] = np.random.default_rng(0).permutation(bad["VL"])
    bad["Gender"] = np.random.default_rng(1).permutation(bad["Gender"])
    bad["Gender"] = pd.Categorical(bad["Gender"], categories=real["Gender"].cat.categories)
    scores = fidelity(real, bad, held_out)
    assert scores["marginal mean"] == 0  # a shuffle keeps every share
    assert scores["autocorrelation"] > 0.1
    assert scores["patients who flip"] > 0.9
    assert scores["detector AUC"] > 0.95
    assert scores["TSTR AUC"] < fidelity(real, real, held_out)["TSTR AUC"] - 0.1


def test_transitions_count_pairs_of_months():
    levels = list(EXAMPLE["Base Drug Combo"].levels)
    regimen = pd.Categorical([levels[i] for i in (0, 1, 1, 0, 0, 0)], categories=levels)
    months = [0, 1, 2] * 2
    table = pd.DataFrame({EXAMPLE.time: months, "Base Drug Combo": regimen})
    found = transitions(table).reshape(len(levels), -1)
    assert found[0, 1] == found[1, 1] == 0.25
    assert found[0, 0] == 0.5


def test_a_group_is_lost_when_less_than_a_tenth_is_left(groups):
    real, _, _ = groups
    group = real["Gender"].eq("Male") & real["Ethnic"].eq("Caucasian")
    assert group.mean() > 0.01
    without = real[~group].reset_index(drop=True)
    assert groups_lost(real, without, EXAMPLE) == 1


def test_autocorrelation_of_a_straight_line_and_of_a_see_saw():
    months = np.arange(60)
    table = pd.DataFrame(
        {EXAMPLE.time: months, "VL": 10.0 ** (months / 60), "CD4": 10.0 ** (-1) ** months}
    )
    line, see_saw = autocorrelations(table, EXAMPLE)
    assert line > 0.9
    assert see_saw < -0.9


def test_goals_leave_room_above_the_floor(groups):
    real, held_out, other = groups
    floor = fidelity(real, other, held_out)
    limits = time_to_fidelity.goals(floor)
    assert all({"seconds": 1, **floor}[name] <= limit for name, limit in limits.items())


def test_bench_prints_what_it_measures(capsys, monkeypatch):
    monkeypatch.setattr(speed, "ENOUGH", 3)
    monkeypatch.setattr(speed, "ENOUGH_IN_STEPS", 3)
    assert main(["bench", "--only", "generate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    cases = [[model, preset] for model in GANS for preset in ("classroom", "published")]
    assert [line.split()[:2] for line in lines] == [*cases, ["v3", "classroom"]]
    assert all("patients x 60 months a second" in line for line in lines)


def test_bench_outside_a_checkout_says_what_to_do(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "__file__", str(tmp_path / "hgteach" / "bench.py"))
    assert main(["bench"]) == 2
    assert "checkout" in capsys.readouterr().err
