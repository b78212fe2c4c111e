"""Every realism measure on cohorts that are known to be good, bad or odd."""

from functools import cache

import numpy as np
import pytest

from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.evaluation import association, detection, diversity, dynamics, marginals, trajectories
from hgteach.evaluation.copies import BAD_COPIES
from hgteach.evaluation.measure import Measure, NotMeasured, Task
from hgteach.evaluation.patients import EMPTY, Patients

HOMES = (marginals, association, dynamics, trajectories, diversity, detection)
MEASURES = {measure.name: measure for home in HOMES for measure in home.MEASURES}
INDEPENDENT, SHUFFLED, BOOTSTRAP = BAD_COPIES
FAILS = {
    INDEPENDENT: {
        "strength of association", "correlations, level by level", "correlations as published",
        "trends", "cycles", "autocorrelation", "switching", "time in clinical states",
        "courses of patients", "changes of what cannot change", "unseen combinations",
        "coverage of patients", "detection of patients", "detection of stretches",
    },
    SHUFFLED: {
        "autocorrelation", "switching", "courses of patients", "coverage of patients",
        "detection of patients", "detection of stretches",
    },
}  # fmt: skip
BLIND = {
    INDEPENDENT: {"single columns", "levels kept"},
    SHUFFLED: {
        "single columns", "strength of association", "correlations, level by level",
        "time in clinical states", "changes of what cannot change", "unseen combinations",
    },
}  # fmt: skip


@cache
def tasks() -> dict[str, Task]:
    raw = simulate_art_hiv(800)
    patients = Patients.of(ART_HIV.label(raw), ART_HIV)
    real, other = patients.halves(np.random.default_rng(0))
    copies = {name: copy(real, np.random.default_rng(1)) for name, copy in BAD_COPIES.items()}
    return {name: Task(real, copy) for name, copy in {"floor": other, **copies}.items()}


@cache
def away(measure: str, copy: str) -> float:
    """Return how far a score is from its best, in parts of the range."""
    found = MEASURES[measure]
    return abs(found.score(tasks()[copy]) - found.best) / (found.highest - found.lowest)


def test_names_are_unique_and_ranges_hold_the_best() -> None:
    assert len(MEASURES) == sum(len(home.MEASURES) for home in HOMES)
    for measure in MEASURES.values():
        assert measure.family == "realism"
        assert measure.lowest <= measure.best <= measure.highest
        assert measure.definition.endswith(".") and measure.source


@pytest.mark.parametrize("name", sorted(set(MEASURES) - {"empty cells", "log-cluster"}))
def test_other_real_patients_are_near_the_best(name: str) -> None:
    # 400 patients are few: rare levels, slopes and classifiers scatter.
    assert away(name, "floor") < (0.15 if name.startswith("detection") else 0.06)


@pytest.mark.parametrize(
    ("copy", "name"), [(c, n) for c, names in FAILS.items() for n in sorted(names)]
)
def test_a_bad_copy_fails_where_it_should(copy: str, name: str) -> None:
    floor, found = away(name, "floor"), away(name, copy)
    assert found > floor + 0.02 and found > 1.5 * floor


@pytest.mark.parametrize(
    ("copy", "name"), [(c, n) for c, names in BLIND.items() for n in sorted(names)]
)
def test_a_measure_is_blind_to_what_it_does_not_look_at(copy: str, name: str) -> None:
    assert away(name, copy) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", sorted(set(MEASURES) - {"empty cells", "log-cluster"}))
def test_realism_is_no_safety_repeated_real_patients_pass(name: str) -> None:
    assert away(name, BOOTSTRAP) < 0.06


def test_clusters_of_independent_columns_are_off_balance() -> None:
    # The measure is a logarithm, so its floor is far from its best.
    scores = {name: MEASURES["log-cluster"].score(task) for name, task in tasks().items()}
    assert scores[INDEPENDENT] > scores["floor"] + 1 > scores[BOOTSTRAP] - 1


def odd_cohorts() -> dict[str, tuple[Patients, Patients]]:
    task = tasks()["floor"]
    few = np.arange(40)
    one, other = (p.take(few) for p in (task.real, task.synthetic))

    def cut(patients: Patients, rows: int) -> Patients:
        values = {n: cells[:, :rows] for n, cells in patients.values.items()}
        return Patients(patients.schema, values, np.minimum(patients.lengths, rows))

    def uneven(patients: Patients) -> Patients:
        random = np.random.default_rng(0)
        lengths = random.integers(1, 61, len(patients))
        values = {}
        for name, cells in patients.values.items():
            gone = (np.arange(60) >= lengths[:, None]) | (random.random(cells.shape) < 0.2)
            values[name] = np.where(gone, np.nan if cells.dtype.kind == "f" else EMPTY, cells)
        return Patients(patients.schema, values, lengths)

    still = {n: np.full_like(cells, cells[0, 0]) for n, cells in one.values.items()}
    none = {"VL": np.full((40, 60), np.nan), "Extra PI": np.full((40, 60), EMPTY, np.int16)}
    pairs = {
        "one patient": (one.take(few[:1]), other.take(few[:1])),
        "three patients": (one.take(few[:3]), other.take(few[:3])),
        "one row": (cut(one, 1), cut(other, 1)),
        "two rows": (cut(one, 2), cut(other, 2)),
        "uneven with gaps": (uneven(one), uneven(other)),
        "all alike": (one, one.with_values(still)),
        "a column without values": (one, other.with_values(none)),
        "neither has values": (one.with_values(none), other.with_values(none)),
    }
    for name, columns in {
        "numbers": ["VL", "CD4"], "levels": ["Gender", "Extra PI"], "one column": ["CD4"],
        "static": ["Gender"],
    }.items():  # fmt: skip
        pairs[name] = one.select(columns), other.select(columns)
    return pairs


@pytest.mark.parametrize("measure", MEASURES.values(), ids=list(MEASURES))
@pytest.mark.filterwarnings("error")
def test_an_odd_cohort_gets_a_score_within_the_range_or_a_sentence(measure: Measure) -> None:
    for name, (real, synthetic) in odd_cohorts().items():
        try:
            score = measure.score(Task(real, synthetic))
        except NotMeasured as reason:
            assert str(reason).endswith("."), name
        else:
            if not np.isnan(score):
                assert measure.lowest <= score <= measure.highest, name
            else:
                assert name == "one row", name
