"""Realism measures against hand-computed cases and other people's code."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.signal import detrend
from scipy.stats import chi2_contingency, ks_2samp
from sklearn.feature_selection import f_classif

from hgteach.evaluation import association, detection, diversity, dynamics, marginals, trajectories
from hgteach.evaluation.measure import NotMeasured
from hgteach.evaluation.patients import Patients, scaled
from hgteach.evaluation.summaries import channels, patient_summaries, summary_table
from hgteach.schema import Column, Schema

SCHEMA = Schema(
    "small",
    "who",
    "when",
    (
        Column("x", "real", lower=0),
        Column("y", "real"),
        Column("sex", "binary", levels=("f", "m"), static=True),
        Column("drug", "categorical", levels=("a", "b", "c")),
    ),
)


def cohort(patients: int = 60, rows: int = 12, seed: int = 0, gaps: float = 0.0) -> Patients:
    random = np.random.default_rng(seed)
    shape = patients, rows
    values = {
        "x": random.exponential(size=shape),
        "y": random.normal(size=shape).cumsum(axis=1),
        "sex": np.repeat(random.integers(2, size=(patients, 1)), rows, axis=1).astype(np.int16),
        "drug": random.integers(3, size=shape).astype(np.int16),
    }
    lengths = random.integers(2, rows + 1, patients) if gaps else np.full(patients, rows)
    for cells in values.values():
        empty = (random.random(shape) < gaps) | (np.arange(rows) >= lengths[:, None])
        cells[empty] = np.nan if cells.dtype.kind == "f" else -1
    return Patients(SCHEMA, values, lengths)


def one_column(column: Column, *patients: list) -> Patients:
    """Return patients with one column, equally long."""
    dtype = float if column.kind == "real" else np.int16
    cells = np.array(patients, dtype=dtype)
    schema = Schema("one", "who", "when", (column,))
    return Patients(schema, {column.name: cells}, np.full(len(cells), cells.shape[1]))


NUMBER, LEVELS = Column("y", "real"), Column("drug", "categorical", levels=("a", "b", "c"))
FIXED = Column("sex", "binary", levels=("f", "m"), static=True)


def test_an_amount_is_scaled_to_its_logarithm_and_another_number_is_not() -> None:
    patients = cohort()
    np.testing.assert_allclose(10 ** scaled(patients, "x"), np.maximum(patients["x"], 1e-3))
    np.testing.assert_array_equal(scaled(patients, "y"), patients["y"])


def test_summaries_of_one_course_by_hand() -> None:
    numbers = summary_table(one_column(NUMBER, [1.0, 3.0, np.nan, 2.0], [np.nan] * 4))
    first = numbers.loc[0]
    assert first["y: mean"] == 2 and first["y: lowest"] == 1 and first["y: highest"] == 3
    assert first["y: first"] == 1 and first["y: last"] == 2
    assert first["y: spread"] == pytest.approx(np.std([1, 2, 3]))
    assert first["y: mean jump"] == 2 and first["y: spread of jumps"] == 0
    assert numbers.loc[1].isna().all()
    levels = summary_table(one_column(LEVELS, [0, 0, 1, -1]))
    expected = {"drug: a": 2 / 3, "drug: b": 1 / 3, "drug: c": 0, "drug: switches": 1 / 2}
    assert levels.loc[0].to_dict() == pytest.approx(expected)
    sex = summary_table(one_column(FIXED, [1, 1]))
    assert list(sex) == ["sex: m", "sex: switches"]


def test_summaries_do_not_depend_on_other_patients() -> None:
    patients = cohort(gaps=0.2)
    alone = patient_summaries(patients.take(np.array([7])))
    np.testing.assert_array_equal(alone[0], patient_summaries(patients)[7])


def test_kolmogorov_smirnov_agrees_with_scipy_and_with_a_count_by_hand() -> None:
    assert marginals.kolmogorov_smirnov(np.arange(3), np.arange(3) + 1) == pytest.approx(1 / 3)
    random = np.random.default_rng(0)
    for size in (5, 80, 400):
        one, other = random.integers(9, size=size), random.integers(1, 11, size=77)
        found = marginals.kolmogorov_smirnov(one, other)
        assert found == pytest.approx(ks_2samp(one, other).statistic)


def test_marginals_by_hand() -> None:
    real, synthetic = one_column(LEVELS, [0, 0, 1, 2]), one_column(LEVELS, [0, -1, 2, 2])
    row = marginals.marginals(real, synthetic, real.schema).iloc[0]
    # Shares 1/2, 1/4, 1/4 and 1/3, 0, 2/3.
    assert row["distance"] == pytest.approx((1 / 6 + 1 / 4 + 5 / 12) / 2)
    assert row["missing in real"] == 0 and row["missing in synthetic"] == 0.25
    empty = one_column(NUMBER, [np.nan, np.nan])
    full = one_column(NUMBER, [1.0, 2.0])
    assert marginals.marginals(full, empty, full.schema)["distance"].item() == 1


def test_marginals_take_labelled_tables_too() -> None:
    one, other = cohort(), cohort(seed=1)
    of_patients = marginals.marginals(one, other, SCHEMA)
    pd.testing.assert_frame_equal(
        marginals.marginals(one.table(), other.table(), SCHEMA), of_patients
    )


@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_correlations_agree_with_pandas(gaps: float) -> None:
    patients = cohort(gaps=gaps)
    values, names = channels(patients)
    expected = pd.DataFrame(values.reshape(len(names), -1).T).corr().to_numpy()
    found = association.correlations(patients, SCHEMA)
    assert list(found.index) == list(names)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_constant_correlates_with_nothing() -> None:
    found = association.pearson(np.array([[0.1] * 4, [1.0, 2, 3, 4]]))
    np.testing.assert_allclose(found, [[0, 0], [0, 1]], atol=1e-12)


def test_published_correlations_use_raw_numbers_and_integer_codes() -> None:
    patients = cohort()
    table = patients.table()
    raw = pd.DataFrame({n: table[n].cat.codes if n in SCHEMA.categorical else table[n]
                        for n in SCHEMA.names})  # fmt: skip
    found = association.correlations(table, SCHEMA, published=True)
    np.testing.assert_allclose(found, raw.corr(), atol=1e-12)


def test_the_correlation_ratio_agrees_with_the_f_test() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(4, size=300)
    numbers = random.normal(size=300) + 0.4 * codes
    squared = association.correlation_ratio(numbers, codes) ** 2
    expected = f_classif(numbers[:, None], codes)[0].item()
    assert squared / (1 - squared) * (300 - 4) / 3 == pytest.approx(expected)
    assert association.correlation_ratio(np.array([1.0, 3, 1, 3]), np.array([0, 0, 1, 1])) == 0
    assert association.correlation_ratio(np.array([1.0, 1, 3, 3]), np.array([0, 0, 1, 1])) == 1


def test_cramers_v_is_corrected_for_bias() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(3, size=(2, 200))
    b[:60] = a[:60]
    counts = pd.crosstab(a, b).to_numpy()
    phi2 = chi2_contingency(counts, correction=False).statistic / 200
    side = 3 - 4 / 199
    expected = np.sqrt((phi2 - 4 / 199) / (side - 1))  # Bergsma 2013, equations 7 and 8
    assert association.cramers_v(a, b) == pytest.approx(expected)
    assert association.cramers_v(np.array([0, 0, 2, 2]), np.array([1, 1, 0, 0])) == 1
    assert association.cramers_v(np.arange(200) % 2, np.arange(200) // 2 % 2) == 0


def test_only_the_published_correlations_depend_on_the_order_of_codes() -> None:
    patients = cohort()
    patients = patients.with_values({"drug": np.digitize(patients["y"], [-1, 1]).astype(np.int16)})
    turned = patients.with_values({"drug": np.array([2, 0, 1], dtype=np.int16)[patients["drug"]]})

    def row(table: pd.DataFrame) -> float:
        return table.query("`column a` == 'y' and `column b` == 'drug'")["real"].item()

    one, other = (association.associations(p, p, SCHEMA) for p in (patients, turned))
    assert row(one) == pytest.approx(row(other)) and row(one) > 0.8
    published = [
        association.correlations(p, SCHEMA, published=True).loc["y", "drug"]
        for p in (patients, turned)
    ]
    assert published[0] > 0.8 and published[1] < 0.1


def published_by_loops(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return trend and cycle of ``(P, T, C)``, one patient and one pair at a time."""
    count = values.shape[2]
    means = np.eye(count), np.eye(count)
    for a, b in combinations(range(count), 2):
        found = [], []
        for course in values:
            cycle = detrend(course, axis=0)
            for part, store in zip((course - cycle, cycle), found, strict=True):
                if part[:, a].std() and part[:, b].std():
                    r = np.corrcoef(part[:, a], part[:, b])[0, 1]
                    store.append(np.arctanh(np.clip(r, -0.999999, 0.999999)))
        for mean, store in zip(means, found, strict=True):
            mean[a, b] = mean[b, a] = np.tanh(np.mean(store)) if store else np.nan
    return means


def test_the_published_dynamics_agree_with_loops_over_patients_and_pairs() -> None:
    patients = cohort(8, 10)
    names = ["x", "y", "drug"]
    expected = published_by_loops(np.stack([patients[n].astype(float) for n in names], axis=2))
    found = dynamics.published_dynamics(patients.select(names), SCHEMA)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def test_the_published_trend_is_a_squeezed_agreement_of_slopes() -> None:
    patients = cohort(21, 10).select(["x", "y"])
    values = channels(patients, published=True)[0]  # (C, P, T)
    ways = np.sign([[np.polyfit(range(10), months, 1)[0] for months in c] for c in values])
    trend, _ = dynamics.published_dynamics(patients, patients.schema)
    squeezed = np.tanh(np.arctanh(0.999999) * (ways[0] * ways[1]).mean())
    assert trend.iloc[0, 1] == pytest.approx(squeezed)


def test_the_published_dynamics_find_correlations_between_constants_and_the_mended_do_not() -> None:
    columns = tuple(Column(n, "real") for n in "abc")
    schema = Schema("constants", "who", "when", columns)
    level = np.full((30, 60), 1.0)
    values = {"a": 1.1 * level, "b": 2.3 * level, "c": np.tile(np.arange(60.0), (30, 1))}
    patients = Patients(schema, values, np.full(30, 60))
    published = np.abs([part.to_numpy()[0, 1] for part in
                        dynamics.published_dynamics(patients, schema)])  # fmt: skip
    assert np.nanmax(published) > 0.5
    trend, cycle, count = dynamics.patient_dynamics(patients, schema)
    assert np.isnan(trend.to_numpy()[:2]).all() and not count.to_numpy()[:2].any()
    assert trend.iloc[2, 2] == 1 and np.isnan(cycle.iloc[2, 2])  # a line leaves no cycle


def test_the_mended_dynamics_by_loops_with_gaps_and_unequal_lengths() -> None:
    patients = cohort(25, 12, gaps=0.2).select(["x", "y"])
    x, y = scaled(patients, "x"), patients["y"]
    agree, rests_agree, weight = [], [], []
    for course in zip(x, y, strict=True):
        known = [np.flatnonzero(~np.isnan(c)) for c in course]
        if min(map(len, known)) < 2:
            continue  # nothing moves
        lines = [np.polyfit(k, c[k], 1) for k, c in zip(known, course, strict=True)]
        agree.append(np.sign(lines[0][0] * lines[1][0]))
        both = np.intersect1d(*known)
        rests = [c[both] - np.polyval(line, both) for c, line in zip(course, lines, strict=True)]
        if len(both) > 3 and all(np.abs(rest).max() > 1e-9 for rest in rests):
            r = rests[0] @ rests[1] / np.sqrt((rests[0] @ rests[0]) * (rests[1] @ rests[1]))
            rests_agree.append(r)
            weight.append(len(both) - 3)
    trend, cycle, count = dynamics.patient_dynamics(patients, patients.schema)
    assert trend.iloc[0, 1] == pytest.approx(np.mean(agree))
    assert count.iloc[0, 1] == len(agree)
    assert cycle.iloc[0, 1] == pytest.approx(np.average(rests_agree, weights=weight))


def test_dynamics_leave_out_static_columns_and_levels_of_one_column() -> None:
    table = dynamics.dynamics(cohort(), cohort(seed=1), SCHEMA)
    pairs = set(zip(table["a"], table["b"], strict=True))
    assert ("x", "drug: a") in pairs and ("drug: a", "drug: b") not in pairs
    assert not any("sex" in name for pair in pairs for name in pair)
    with pytest.raises(NotMeasured, match="cannot change"):
        dynamics.patient_dynamics(one_column(FIXED, [0, 0, 0]), SCHEMA)
    with pytest.raises(NotMeasured, match="equal length"):
        dynamics.published_dynamics(cohort(gaps=0.2), SCHEMA)


def test_autocorrelation_by_hand() -> None:
    assert trajectories.autocorrelation(np.array([[0.0, 1, 0, 1]])) == pytest.approx(-1)
    # Deviations −1, 0, 1: products 0 and 0, squares 2/3.
    assert trajectories.autocorrelation(np.array([[1.0, 2, 3], [5, 5, 5]])) == 0
    slow = np.repeat([[0.0, 1]], 50, axis=1)
    assert trajectories.autocorrelation(slow) == pytest.approx(97 / 99)
    gap = np.array([[0.0, 1, np.nan, 0, 1]])
    assert trajectories.autocorrelation(gap) == pytest.approx(-1)
    assert trajectories.autocorrelation(np.full((3, 4), 0.1)) == 0
    assert np.isnan(trajectories.autocorrelation(np.array([[1.0], [2.0]])))


def test_transitions_and_switching_by_hand() -> None:
    real, synthetic = one_column(LEVELS, [0, 0, 1, 1, -1]), one_column(LEVELS, [0, 1, 0, 1, -1])
    found = trajectories.transitions(real, real.schema, "drug")
    np.testing.assert_allclose(found, np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]]) / 3)
    row = trajectories.switching(real, synthetic, real.schema).iloc[0]
    assert (row["real"], row["synthetic"]) == pytest.approx((1 / 3, 1))
    assert row["distance"] == pytest.approx((1 / 3 + 1 / 3 + 1 / 3 + 1 / 3) / 2)


def test_clinical_states_by_hand() -> None:
    real = one_column(Column("VL", "real", lower=0), [999, 1000, 40, 50], [1, 1, 1, np.nan])
    synthetic = one_column(Column("VL", "real", lower=0), [9e9] * 4)
    table = trajectories.clinical_states(real, synthetic, real.schema).set_index("state")
    assert table.loc["VL at least 1,000", "real"] == pytest.approx((0.25 + 0) / 2)
    assert table.loc["VL below 50", "real"] == pytest.approx((0.25 + 1) / 2)
    assert list(table["distance"]) == [1, 1]
    with pytest.raises(NotMeasured, match="viral load"):
        trajectories.clinical_states(cohort(), cohort(), SCHEMA)


def test_static_columns_that_change_are_found_and_empty_cells_are_not_a_change() -> None:
    patients = one_column(FIXED, [0, 0, 0], [0, 1, 0], [1, -1, 1])
    found = trajectories.changing_statics(patients, patients.schema)
    assert found.tolist() == [False, True, False]
    number = one_column(Column("age", "real", static=True), [40, 40, 40 + 1e-9], [40, np.nan, 41])
    assert trajectories.changing_statics(number, number.schema).tolist() == [False, True]


def test_unseen_combinations_by_hand() -> None:
    schema = SCHEMA.select(["sex", "drug"])

    def rows(sex: list, drug: list) -> Patients:
        cells = {"sex": np.array([sex], np.int16), "drug": np.array([drug], np.int16)}
        return Patients(schema, cells, np.array([len(sex)]))

    real = rows([0, 0, 1, 1], [0, 1, 0, -1])
    # (m, b) is new; (m, c) is not, because no real row has c at all.
    synthetic = rows([1, 1, 1, 0, 0], [1, 1, 2, 0, 1])
    table = trajectories.impossible_combinations(real, synthetic, schema)
    assert table.to_dict("records") == [
        {"column a": "sex", "level a": "m", "column b": "drug", "level b": "b", "share": 0.4}
    ]


def test_coverage_and_subgroups_by_hand() -> None:
    real = one_column(FIXED, *[[0, 0]] * 9, [1, 1])
    synthetic = one_column(FIXED, *[[0, 1]] * 10)
    groups = diversity.subgroups(real, synthetic, real.schema)
    assert groups["real"].tolist() == [0.9, 0.1] and groups["synthetic"].tolist() == [1, 0]
    assert groups["lost"].tolist() == [False, True]
    one, other = one_column(LEVELS, [0, 1, 1]), one_column(LEVELS, [1, 2, 2])
    kept = diversity.category_coverage(one, other, one.schema).iloc[0]
    assert (kept["real"], kept["kept"], kept["missing"]) == (2, 1, "a")
    with pytest.raises(NotMeasured, match="static"):
        diversity.subgroups(one, other, one.schema)


def test_log_cluster_by_hand() -> None:
    # Two far clusters: half the real rows in each, all the synthetic ones in the first.
    real = one_column(NUMBER, [0.0] * 10 + [100.0] * 10)
    synthetic = one_column(NUMBER, [0.0] * 20)
    found = diversity.log_cluster(real, synthetic, real.schema)
    expected = np.log(((10 / 30 - 1 / 2) ** 2 + (1 - 1 / 2) ** 2) / 2)
    assert found == pytest.approx(expected)
    assert diversity.log_cluster(real, real, real.schema) == diversity.LOWEST_LOG


def test_density_and_coverage_by_loops() -> None:
    real, synthetic = cohort(30), cohort(20, seed=1)
    one, other = (patient_summaries(p) for p in (real, synthetic))
    mean, spread = one.mean(axis=0), np.where(one.std(axis=0) > 1e-9, one.std(axis=0), 1)
    one, other = (one - mean) / spread, (other - mean) / spread
    inside = np.zeros((30, 20))
    for i, patient in enumerate(one):
        radius = np.sort(np.linalg.norm(one - patient, axis=1))[5]
        inside[i] = np.linalg.norm(other - patient, axis=1) <= radius
    found = diversity.density_coverage(real, synthetic, SCHEMA)
    assert found["density"] == pytest.approx(inside.sum() / 5 / 20)
    assert found["coverage"] == pytest.approx(inside.any(axis=1).mean())


@pytest.mark.parametrize("detect", [detection.detect_patients, detection.detect_windows])
def test_detection_finds_what_differs_and_nothing_else(detect) -> None:
    real = cohort(150)
    moved = real.with_values({"x": real["x"] * 30})
    assert detect(real, moved, SCHEMA) > 0.95
    assert 0.35 < detect(real, cohort(150, seed=1), SCHEMA) < 0.65


def test_patients_that_are_the_same_never_train_on_each_other() -> None:
    # Each real patient stands in the synthetic table again. In the fold of the twin both get the
    # same score, so the area is exactly one half; a classifier that had seen one fails the other.
    real = cohort(60)
    assert detection.detect_patients(real, real, SCHEMA) == 0.5
