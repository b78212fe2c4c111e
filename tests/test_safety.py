"""Distances, membership, attributes and identity: small cases, worked by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from sklearn.metrics import roc_auc_score, roc_curve

from hgteach.evaluation import attributes, distances, identity, membership
from hgteach.evaluation.patients import EMPTY, Patients
from hgteach.schema import Column, Schema

TINY = Schema("tiny", "who", "when", (Column("x", "real"), Column("sex", "binary", ("f", "m"))))


def tiny(x: list[float], sex: str) -> pd.DataFrame:
    """Return one row a patient."""
    return pd.DataFrame({"who": range(len(x)), "when": 0, "x": x, "sex": list(sex)})


def test_features_are_standard_deviations_and_levels_are_one_apart() -> None:
    like = Patients.of(tiny([0.0, 2.0], "fm"), TINY)
    found = distances.features(Patients.of(tiny([1.0, 4.0, np.nan], "ffm"), TINY), like)
    assert found.shape == (3, 1, 3)
    np.testing.assert_allclose(found[:, 0, 0], [0, 3, 0])
    assert np.linalg.norm(found[0, 0, 1:] - found[2, 0, 1:]) == pytest.approx(1)


def test_an_empty_cell_holds_no_level_and_the_mean() -> None:
    like = Patients.of(tiny([0.0, 2.0], "fm"), TINY)
    empty = like.with_values({"sex": np.full((2, 1), EMPTY, np.int16)})
    assert (distances.features(empty, like)[:, 0, 1:] == 0).all()
    longer = distances.features(like, like, timesteps=3)
    assert longer.shape == (2, 3, 3)
    assert (longer[:, 1:] == 0).all()


def test_the_distance_of_two_courses_is_the_root_mean_square_over_months() -> None:
    rows = pd.DataFrame({"who": [0, 0, 1, 1], "when": [0, 1, 0, 1], "sex": "f",
                         "x": [0.0, 0.0, 3.0, 4.0]})  # fmt: skip
    people = Patients.of(rows, TINY)
    (found,) = distances.courses(people, like=people)
    assert found.dtype == np.float32  # or the search takes twice as long
    spread = rows["x"].std(ddof=0)
    expected = np.sqrt((3**2 + 4**2) / 2) / spread
    assert np.linalg.norm(found[0] - found[1]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("block", [50, 4_000_000])
@pytest.mark.parametrize("neighbours", [1, 3])
def test_nearest_agrees_with_scipy(monkeypatch, block: int, neighbours: int) -> None:
    monkeypatch.setattr(distances, "BLOCK", block)
    random = np.random.default_rng(0)
    queries, points = (random.normal(size=(n, 7)).astype(np.float32) for n in (31, 40))
    far, where = distances.nearest(queries, points, neighbours)
    table = cdist(queries, points)
    np.testing.assert_allclose(far, np.sort(table, axis=1)[:, :neighbours], rtol=1e-5)
    np.testing.assert_array_equal(where, table.argsort(axis=1)[:, :neighbours])
    among = cdist(queries, queries) + np.diag([np.inf] * 31)
    np.testing.assert_allclose(
        distances.nearest(queries, None, neighbours)[0],
        np.sort(among, axis=1)[:, :neighbours], rtol=1e-5,
    )  # fmt: skip


def test_the_distance_to_an_equal_vector_is_exactly_nought() -> None:
    points = np.random.default_rng(1).normal(100, 1, (50, 500)).astype(np.float32)
    assert (distances.nearest(points, points)[0] == 0).all()


def test_closest_on_a_line() -> None:
    real, holdout = tiny([0.0, 10.0], "ff"), tiny([4.0, 20.0], "ff")
    spread = 5.0  # of the real numbers
    found = distances.closest(real, tiny([1.0, 3.0, 5.0], "fff"), holdout, TINY)
    np.testing.assert_allclose(found["to real"] * spread, [1, 3, 5], rtol=1e-5)
    np.testing.assert_allclose(found["to holdout"] * spread, [3, 1, 1], rtol=1e-5)
    np.testing.assert_allclose(found["ratio to real"], [1 / 9, 3 / 7, 1], rtol=1e-5)
    np.testing.assert_allclose(found["ratio to holdout"], [3 / 19, 1 / 17, 1 / 15], rtol=1e-5)
    summary = distances.closeness(found)["value"]
    assert summary["closer to real"] == pytest.approx(1 / 3)
    assert summary["ratio lost"] == pytest.approx(1 / 15 - 3 / 7)


def test_a_tie_is_half_and_stories_are_counted_once() -> None:
    found = pd.DataFrame(
        {
            "to real": [1.0, 1, 1, 2],
            "to holdout": [1.0, 2, 2, 1],
            "nearest real": [0, 5, 5, 9],
            "nearest holdout": [7, 1, 2, 3],
            "ratio to real": 1.0,
            "ratio to holdout": 1.0,
        }
    )
    row = distances.closeness(found).loc["closer to real"]
    share = 2.5 / 4
    stories = [0.5 - share, 2 * (1 - share), 0 - share]  # the two at patient 5 are one story
    reach = 1.96 * np.sqrt(np.square(stories).sum()) / 4
    np.testing.assert_allclose(row, [share, max(share - reach, 0), min(share + reach, 1)])


def test_copied_rows_and_patients_are_counted() -> None:
    real = pd.DataFrame({"who": [0, 0, 1, 1], "when": [0, 1, 0, 1], "x": [1.0, 2, 3, 4],
                         "sex": list("ffmm")})  # fmt: skip
    synthetic = real.assign(x=[1.0, 2, 3, 5])  # one patient whole, three rows of four
    holdout = real.assign(x=[1.0, 9, 9, 9], sex=list("ffff"))  # one row by chance
    found = distances.exact_copies(real, synthetic, TINY, holdout=holdout)
    assert found.loc["rows"].tolist() == [0.75, 0.25]
    assert found.loc["patients"].tolist() == [0.5, 0]
    assert distances.exact_copies(real, synthetic, TINY)["holdout"].isna().all()


def test_a_shorter_patient_is_no_copy_of_a_longer_one() -> None:
    real = pd.DataFrame({"who": [0, 0, 1], "when": [0, 1, 0], "x": [1.0, 2, 3], "sex": "f"})
    found = distances.exact_copies(real, real.iloc[[0]], TINY)
    assert found["synthetic"].tolist() == [1, 0]


def test_adversarial_accuracy_on_a_line() -> None:
    """Synthetic patients sit beside the real ones and far from the holdout."""
    found = distances.adversarial_accuracy(
        tiny([0.0, 10.0], "ff"), tiny([0.1, 10.1], "ff"), tiny([100.0, 200.0], "ff"), TINY
    )
    assert found["real"] == 0  # everybody's nearest is of the other kind
    assert found["holdout"] == pytest.approx(3 / 4)  # only 100 is nearer to 10.1 than to 200
    assert found["privacy loss"] == pytest.approx(3 / 4)


def test_area_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(2)
    members, outsiders = random.integers(0, 9, (5, 40)), random.integers(0, 7, (5, 30))
    truth = np.repeat([1, 0], [40, 30])
    pairs = zip(members, outsiders, strict=True)
    expected = [roc_auc_score(truth, np.append(m, o)) for m, o in pairs]
    np.testing.assert_allclose(membership.area(members, outsiders), expected)


def test_true_positives_agree_with_the_roc_curve() -> None:
    random = np.random.default_rng(3)
    members, outsiders = random.normal(1, 1, 500), random.normal(0, 1, 400)
    truth = np.repeat([1, 0], [500, 400])
    false, true, _ = roc_curve(truth, np.append(members, outsiders), drop_intermediate=False)
    expected = true[false <= 0.01].max()
    assert membership.true_positives(members[None], outsiders[None])[0] == pytest.approx(expected)


def test_few_outsiders_allow_no_false_alarm() -> None:
    members, outsiders = np.array([[0.0, 5, 6, 7]]), np.array([[1.0, 2, 3, 5]])
    assert membership.true_positives(members, outsiders)[0] == 0.5  # 6 and 7; 5 is a tie


def test_identity_by_hand() -> None:
    """Three women and one man; a synthetic woman and a synthetic man."""
    schema = Schema("t", "who", "when", (
        Column("sex", "binary", ("f", "m"), static=True), Column("x", "real")))  # fmt: skip
    real = pd.DataFrame({"who": range(4), "when": 0, "sex": list("fffm"), "x": [0.0, 1, 2, 9]})
    synthetic = real.iloc[[0, 3]]
    found = identity.disclosure(real, synthetic, schema)
    # The first woman (one of three) and the man (alone) find their own number.
    assert found["matched"] == 1
    assert found["learnt"] == 0.5
    assert found["unique"] == 0.25
    assert found["risk"] == pytest.approx((1 / 3 + 1) / 4)
    more = pd.concat([real, real.assign(who=real["who"] + 4)])
    wider = identity.disclosure(real, synthetic, schema, population=more)
    assert wider["from population"] == pytest.approx((1 / 3 + 1) / 8)
    assert wider["from sample"] == pytest.approx((1 / 6 + 1 / 2) / 4)
    halved = identity.disclosure(real, synthetic, schema, discount=0.5)
    assert halved["risk"] == pytest.approx(found["risk"] / 2)
    nobody = identity.disclosure(real, synthetic.assign(sex="m").iloc[:1], schema)
    assert nobody["matched"] == 0.25
    assert nobody["risk"] == 0


def test_a_common_level_is_no_news() -> None:
    schema = Schema("t", "who", "when", (
        Column("sex", "binary", ("f", "m"), static=True), Column("ill", "binary", ("no", "yes"))))
    real = pd.DataFrame({"who": range(4), "when": 0, "sex": "f", "ill": ["no", "no", "no", "yes"]})
    everybody = identity.disclosure(real, real.iloc[:1], schema, known=["sex"])
    assert everybody["learnt"] == 0  # "no" is what most have
    ill = identity.disclosure(real, real.iloc[3:], schema, known=["sex"])
    assert ill["learnt"] == 0.25


def test_attributes_by_hand() -> None:
    """One known month names the twin; the second is guessed."""
    schema = Schema("t", "who", "when", (Column("x", "real"),
                                         Column("ill", "binary", ("no", "yes"))))  # fmt: skip

    def cohort(start: list[float], ill: str) -> pd.DataFrame:
        rows = [(p, t, x if t == 0 else 0.0, {"n": "no", "y": "yes"}[i] if t else "no")
                for p, (x, i) in enumerate(zip(start, ill, strict=True)) for t in range(2)]
        return pd.DataFrame(rows, columns=["who", "when", "x", "ill"])

    copy = cohort([0.0, 5.0, 10.0], "nyn")
    found = attributes.infer(cohort([0.1, 5.1], "ny"), copy, cohort([0.2, 9.0], "nn"), schema,
                             known=1, sensitive=["ill"])  # fmt: skip
    row = found.loc["ill"]
    assert row["training"] == row["control"] == row["commonest"] == 1
    found = attributes.infer(cohort([0.1, 5.1], "ny"), copy, cohort([0.2, 5.2], "nn"), schema,
                             known=1, sensitive=["ill"])  # fmt: skip
    assert found.loc["ill", ["control", "advantage", "commonest"]].tolist() == [0.5, 0.5, 1]
