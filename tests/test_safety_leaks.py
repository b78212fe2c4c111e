"""What an attacker finds in copies of the stand-in: some leak, one hides its leak, one is safe."""

import numpy as np
import pandas as pd
import pytest

from hgteach import figures
from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.evaluation import attributes, distances, identity, membership
from hgteach.evaluation.copies import bootstrap, independent_columns, patchwork, shuffled_months
from hgteach.evaluation.measure import NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients

SEVEN = ART_HIV.select(EXAMPLE_VARIABLES)
PEOPLE = 400
MEASURES = [
    measure
    for home in (distances, membership, attributes, identity)
    for measure in home.MEASURES
]


@pytest.fixture(scope="module")
def groups() -> tuple[Patients, Patients, Patients]:
    """Return 400 patients, 800 others, and 400 more, all from one simulated clinic."""
    pool = Patients.of(simulate_art_hiv(4 * PEOPLE, seed=11), SEVEN)
    order = np.random.default_rng(0).permutation(len(pool))
    return tuple(pool.take(rows) for rows in np.split(order, [PEOPLE, 3 * PEOPLE]))


@pytest.fixture(scope="module")
def task(groups: tuple[Patients, ...]) -> Task:
    return Task(groups[0], groups[2], groups[1])


def copied(task: Task, copy, seed: int = 0, **settings) -> Task:
    random = np.random.default_rng(seed)
    return Task(task.real, copy(task.real, random, **settings), task.holdout)


def score(name: str, task: Task) -> float:
    return next(m for m in MEASURES if m.name == name).score(task)


def test_people_who_were_never_seen_pass_everything(task: Task) -> None:
    expected = {m.name: m.best for m in MEASURES if m.name != "identity disclosure risk"}
    tolerance = {"closer to training than to holdout": 0.1, "membership by distance, AUC": 0.07,
                 "membership by density, AUC": 0.07}  # fmt: skip
    for name, best in expected.items():
        assert score(name, task) == pytest.approx(best, abs=tolerance.get(name, 0.05)), name


def test_a_bootstrap_of_the_patients_fails_every_test(task: Task) -> None:
    leak = copied(task, bootstrap)
    assert score("whole patients copied", leak) == 1
    assert score("rows copied, above chance", leak) > 0.99
    assert score("closer to training than to holdout", leak) == 1
    assert score("neighbour ratio lost", leak) > 0.9
    assert score("adversarial accuracy, privacy loss", leak) > 0.5
    # 1 - 1/e of the patients were drawn, and are known; the others are ranked by chance.
    drawn = 1 - np.exp(-1)
    for name in ("membership by distance, AUC", "membership by density, AUC"):
        assert score(name, leak) == pytest.approx(0.5 + drawn / 2, abs=0.05)
    found = score("membership by density, found at 1 % false alarms", leak)
    assert found == pytest.approx(drawn, abs=0.06)
    assert score("attribute inference, advantage", leak) > 0.2
    assert score("identity disclosure risk", leak) > 1.5 * score("identity disclosure risk", task)


def test_columns_dealt_out_protect_and_shuffled_months_do_not(task: Task) -> None:
    dealt, shuffled = copied(task, independent_columns), copied(task, shuffled_months)
    assert score("rows copied, above chance", dealt) < 0.001
    assert score("membership by density, AUC", dealt) == pytest.approx(0.5, abs=0.07)
    assert score("rows copied, above chance", shuffled) == 1
    assert score("whole patients copied", shuffled) < 0.05


@pytest.mark.parametrize("seed", range(3))
def test_a_patchwork_passes_the_distances_and_fails_membership(task: Task, seed: int) -> None:
    sewn = copied(task, patchwork, seed)
    assert score("whole patients copied", sewn) == 0
    assert score("rows copied, above chance", sewn) == 0
    near = distances.closest(sewn.real, sewn.synthetic, sewn.holdout, SEVEN, seed=seed)
    low, high = distances.closeness(near).loc["closer to real", ["low", "high"]]
    assert low < 0.5 < high
    assert abs(score("neighbour ratio lost", sewn)) < 0.05
    assert abs(score("adversarial accuracy, privacy loss", sewn)) < 0.05
    assert distances.closest_rows(sewn.real, sewn.synthetic, SEVEN)["real"].min() > 0
    attacked = membership.attack(sewn.real, sewn.synthetic, sewn.holdout, SEVEN, seed=seed)
    found = membership.success(attacked).loc["density ratio"]
    assert found["AUC low"] > 0.7
    assert found["TPR low"] > 0.05
    # Single rows do tell, if the holdout's rows are asked as well.
    rows = distances.closest_rows(sewn.real, sewn.synthetic, SEVEN, holdout=sewn.holdout)
    assert rows["real"].median() < 0.95 * rows["holdout"].median()


def test_patchwork_keeps_static_columns_and_ends_where_a_source_ends() -> None:
    raw = simulate_art_hiv(30, seed=2).query("Timestep < 20 and (PatientID > 9 or Timestep < 5)")
    people = Patients.of(raw, SEVEN)
    sewn = patchwork(people, np.random.default_rng(0))
    assert set(sewn.lengths) == {5, 20}
    for name in ("Gender", "Ethnic"):
        levels = np.where(sewn.present, sewn[name], sewn[name][:, :1])
        assert (levels == levels[:, :1]).all()
    assert np.isnan(sewn["VL"][~sewn.present]).all()
    assert (sewn["Extra PI"][~sewn.present] == EMPTY).all()
    assert not np.isin(sewn["VL"][sewn.present], people["VL"]).any()


def test_intervals_hold_the_score_and_shrink_with_patients(task: Task) -> None:
    leak = copied(task, shuffled_months)
    attacked = membership.attack(leak.real, leak.synthetic, leak.holdout, SEVEN)
    assert attacked["member"].mean() == 0.5
    found = membership.success(attacked)
    for what in ("AUC", "TPR"):
        assert (found[f"{what} low"] <= found[what]).all()
        assert (found[what] <= found[f"{what} high"]).all()
    few = membership.success(attacked.groupby("member").head(40))
    width = few["AUC high"] - few["AUC low"]
    assert (width > 2 * (found["AUC high"] - found["AUC low"])).all()


def test_every_score_lies_in_its_range_and_repeats(task: Task) -> None:
    for copy in (bootstrap, shuffled_months):
        one, again = copied(task, copy), copied(task, copy)
        for measure in MEASURES:
            value = measure.score(one)
            assert measure.lowest <= value <= measure.highest
            assert measure.score(again) == value, measure.name


def test_without_a_holdout_only_what_needs_none_is_measured(task: Task) -> None:
    alone = Task(task.real, task.synthetic)
    taken = set()
    for measure in MEASURES:
        try:
            measure.score(alone)
            taken.add(measure.name)
        except NotMeasured as reason:
            assert "holdout" in str(reason)
    assert taken == {"whole patients copied", "identity disclosure risk"}


def test_too_few_or_too_short_is_said_in_a_sentence(task: Task) -> None:
    few = task.holdout.take(np.arange(10))
    with pytest.raises(NotMeasured, match="at least 40"):
        membership.attack(task.real, task.synthetic, few, SEVEN)
    with pytest.raises(NotMeasured, match="two real"):
        distances.closest(task.real, task.synthetic, few.take(np.arange(1)), SEVEN)
    with pytest.raises(NotMeasured, match="first 60 rows"):
        attributes.infer(task.real, task.synthetic, task.holdout, SEVEN, known=60)
    moving = SEVEN.select(["VL", "CD4"])
    with pytest.raises(NotMeasured, match="recognise"):
        identity.disclosure(task.real.select(moving.names), task.synthetic.select(moving.names),
                            moving)  # fmt: skip


def test_cohorts_of_unequal_lengths_are_measured() -> None:
    raw = simulate_art_hiv(240, seed=5)
    raw = raw[raw["Timestep"] < 7 + raw["PatientID"] % 9].copy()
    raw.loc[raw.index % 11 == 0, "CD4"] = np.nan
    who = raw["PatientID"] % 4
    real, synthetic, holdout = (Patients.of(raw[part], SEVEN) for part in
                                (who == 0, who == 1, who >= 2))  # fmt: skip
    for measure in MEASURES:
        assert np.isfinite(measure.score(Task(real, synthetic, holdout))), measure.name


def test_tables_give_what_patients_give(task: Task) -> None:
    tables = [group.take(np.arange(60)).table() for group in
              (task.real, task.synthetic, task.holdout)]  # fmt: skip
    arranged = [Patients.of(table, SEVEN) for table in tables]
    for function in (distances.closest, membership.attack, attributes.infer):
        pd.testing.assert_frame_equal(function(*tables, SEVEN), function(*arranged, SEVEN))
    assert identity.disclosure(*tables[:2], SEVEN).equals(identity.disclosure(*arranged[:2], SEVEN))


def test_the_pictures_draw_what_was_found(task: Task) -> None:
    leak = copied(task, bootstrap)
    groups = leak.real, leak.synthetic, leak.holdout, SEVEN
    near, attacked = distances.closest(*groups), membership.attack(*groups)
    figure = figures.closest_distances({"one": near, "two": near})
    assert [axis.get_title("left") for axis in figure.axes] == ["one", "two"]
    figure = figures.recognised({"leak": attacked})
    curve = figure.axes[0].lines[0]
    at = np.searchsorted(curve.get_xdata(), 0.011) - 1
    expected = membership.success(attacked, resamples=1).loc["density ratio", "TPR"]
    assert curve.get_ydata()[at] == pytest.approx(expected, abs=0.03)
    inferred = attributes.infer(*groups, resamples=5)
    figure = figures.guessed(inferred)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(inferred.index)
    assert figures.png(figure).startswith(b"\x89PNG")
