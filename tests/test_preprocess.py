import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PowerTransformer

from hgteach.errors import InputError
from hgteach.preprocess import ROWS_FOR_POWER, Preprocessor, Scale
from hgteach.schema import Column, Schema

SCHEMA = Schema(
    "small",
    "who",
    "when",
    (
        Column("sex", "binary", ("female", "male"), (2, 1)),
        Column("load", "real", lower=0),
        Column("visits", "real", integer=True),
        Column("drug", "categorical", ("a", "b", "c")),
        Column("ward", "categorical", ("only",)),
    ),
)


def table(rows: int = 200) -> pd.DataFrame:
    random = np.random.default_rng(3)
    return SCHEMA.label(
        pd.DataFrame(
            {
                "who": 0,
                "when": range(rows),
                "sex": random.choice(["female", "male"], rows),
                "load": np.exp(random.normal(3, 2, rows)),
                "visits": random.integers(0, 40, rows),
                "drug": random.choice(["a", "b"], rows),
                "ward": "only",
            }
        )
    )


def one_number(values) -> tuple[Preprocessor, pd.DataFrame, np.ndarray]:
    schema = Schema("one", "who", "when", (Column("x", "real"),))
    frame = pd.DataFrame({"x": np.asarray(values, dtype=float)})
    preprocessor = Preprocessor(schema).fit(frame)
    return preprocessor, frame, preprocessor.transform(frame)


def test_the_matrix_is_float32_in_zero_to_one_and_laid_out_as_the_schema_says():
    matrix = Preprocessor(SCHEMA).fit(table()).transform(table())
    assert matrix.shape == (200, 2 + 2 + 3 + 1) and matrix.dtype == np.float32
    assert matrix.min() == 0 and matrix.max() == 1
    for block in SCHEMA.blocks[2:]:
        assert (matrix[:, block.span].sum(axis=1) == 1).all()
    drug = SCHEMA.blocks[3]
    assert (matrix[:, drug.start] == (table()["drug"] == "a")).all()


def test_the_way_back_gives_the_same_table():
    frame = table()
    preprocessor = Preprocessor(SCHEMA).fit(frame)
    back = preprocessor.inverse_transform(preprocessor.transform(frame))
    assert list(back.columns) == SCHEMA.names
    for name in ("sex", "drug", "ward"):
        pd.testing.assert_series_equal(back[name], frame[name])
    assert back["visits"].dtype == np.int64 and (back["visits"] == frame["visits"]).all()
    np.testing.assert_allclose(back["load"], frame["load"], rtol=1e-4)


def test_it_agrees_with_scikit_learn():
    frame = table()
    ours = Preprocessor(SCHEMA).fit(frame)
    bent = PowerTransformer(method="box-cox", standardize=False)
    theirs = MinMaxScaler().fit_transform(bent.fit_transform(frame[["load"]]))
    assert ours.scales["load"].power == pytest.approx(bent.lambdas_[0], abs=1e-4)
    np.testing.assert_allclose(ours.transform(frame)[:, :1], theirs, atol=1e-4)
    levels = [list(SCHEMA[name].levels) for name in SCHEMA.categorical]
    blocks = OneHotEncoder(categories=levels, sparse_output=False)
    np.testing.assert_array_equal(
        ours.transform(frame)[:, 2:], blocks.fit_transform(frame[SCHEMA.categorical])
    )


def test_lambda_from_a_sample_is_lambda_from_all_rows():
    x = np.random.default_rng(0).gamma(2.0, size=8 * ROWS_FOR_POWER)
    everyone = PowerTransformer(method="box-cox", standardize=False).fit(x[:, None]).lambdas_[0]
    assert Scale.fit(x).power == pytest.approx(everyone, abs=0.01)


skewed = st.floats(-6, 12).map(lambda exponent: 10.0**exponent)
columns = st.one_of(
    st.lists(skewed, min_size=1, max_size=60),
    st.lists(st.one_of(st.just(0.0), skewed), min_size=1, max_size=60),
    st.lists(st.integers(0, 10**6).map(float), min_size=1, max_size=60),
    st.lists(st.floats(99.99, 100.01), min_size=1, max_size=60),
    st.tuples(st.lists(st.floats(1e11, 1e12), min_size=20, max_size=40), skewed).map(
        lambda parts: [*parts[0], parts[1]]
    ),
    st.tuples(st.lists(st.floats(1, 1.01), min_size=20, max_size=40), skewed).map(
        lambda parts: [*parts[0], parts[1]]
    ),
)


@settings(max_examples=150, deadline=None)
@given(columns)
def test_any_column_without_negative_numbers_survives_float32(values):
    preprocessor, frame, matrix = one_number(values)
    assert matrix.min() >= 0 and matrix.max() <= 1
    np.testing.assert_allclose(preprocessor.inverse_transform(matrix)["x"], frame["x"], rtol=1e-4)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-(10**12), 10**12).map(lambda n: n / 1000), min_size=1, max_size=60))
def test_negative_numbers_survive_to_a_ten_millionth_of_their_range(values):
    preprocessor, frame, matrix = one_number(values)
    error = np.abs(preprocessor.inverse_transform(matrix)["x"] - frame["x"])
    assert (error <= 1e-4 * frame["x"].abs() + 1e-7 * np.ptp(frame["x"])).all()


@settings(max_examples=100, deadline=None)
@given(columns, st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=20))
def test_anything_finite_decodes_to_a_number_in_the_fitted_range(values, generated):
    preprocessor, frame, _ = one_number(values)
    made = preprocessor.inverse_transform(np.array(generated)[:, None])["x"]
    assert made.between(frame["x"].min(), frame["x"].max()).all()


@settings(max_examples=100, deadline=None)
@given(columns, st.floats(0, 1e30))
def test_a_held_out_number_beyond_the_fitted_range_goes_to_its_edge(values, beyond):
    preprocessor, frame, _ = one_number(values)
    low, high = frame["x"].min(), frame["x"].max()
    matrix = preprocessor.transform(pd.DataFrame({"x": [low - beyond, high + beyond]}))
    back = preprocessor.inverse_transform(matrix)["x"]
    np.testing.assert_allclose(back, [low, high], rtol=1e-4)


def test_the_bound_on_lambda_is_needed():
    """Without it, the most likely λ would lose the large numbers of this column in float32."""
    x = np.append(np.random.default_rng(0).uniform(1, 1.01, 500), 1e9)
    kept = Scale.fit(x)
    unbounded = Scale(kept.low, kept.high, kept.unit, power=-1.0)
    for scale, survives in ((kept, True), (unbounded, False)):
        middle = np.array([1e7])
        back = scale.inverse(scale.forward(middle).astype(np.float32))
        assert np.allclose(back, middle, rtol=1e-4) == survives


def test_zero_stays_zero():
    preprocessor, frame, matrix = one_number([0, 0, 1e-6, 5, 1e12])
    assert (preprocessor.inverse_transform(matrix)["x"][:2] == 0).all()
    assert frame["x"][0] == 0


def test_a_constant_column_is_a_channel_of_zeros_and_comes_back():
    for value in (0.0, -5.0, 7.25):
        preprocessor, _, matrix = one_number([value] * 4)
        assert (matrix == 0).all()
        assert (preprocessor.inverse_transform(np.array([[0.0], [0.4], [1.0]]))["x"] == value).all()


def test_a_block_of_levels_is_read_as_its_largest_channel():
    preprocessor = Preprocessor(SCHEMA).fit(table())
    row = np.array([[0, 0, 0.4, 0.6, 0.2, 0.3, 0.5, 0.1]])
    made = preprocessor.inverse_transform(row).iloc[0]
    assert (made["sex"], made["drug"], made["ward"]) == ("male", "c", "only")


def test_codes_and_labels_give_the_same_matrix():
    frame = table()
    preprocessor = Preprocessor(SCHEMA).fit(frame)
    coded = frame.assign(sex=frame["sex"].map({"female": 2, "male": 1}).astype(int))
    text = frame.assign(drug=frame["drug"].astype(str))
    for other in (coded, text):
        np.testing.assert_array_equal(preprocessor.transform(other), preprocessor.transform(frame))


def test_a_saved_preprocessor_is_exact():
    frame = table()
    preprocessor = Preprocessor(SCHEMA).fit(frame)
    copy = Preprocessor.from_dict(json.loads(json.dumps(preprocessor.to_dict())))
    assert copy.scales == preprocessor.scales and copy.schema == preprocessor.schema
    np.testing.assert_array_equal(copy.transform(frame), preprocessor.transform(frame))


def broken(change):
    content = json.loads(json.dumps(Preprocessor(SCHEMA).fit(table()).to_dict()))
    change(content)
    return content


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.pop("scales"),
        lambda c: c["scales"].pop("load"),
        lambda c: c["scales"]["load"].pop("low"),
        lambda c: c["scales"]["load"].update(surprise=1.0),
        lambda c: c["scales"]["load"].update(low=float("nan")),
        lambda c: c["scales"]["load"].update(low="a lot"),
        lambda c: c["scales"].update(load=[1, 2]),
        lambda c: c["schema"].pop("columns"),
    ],
)
def test_a_damaged_state_is_refused_in_words(change):
    with pytest.raises(InputError):
        Preprocessor.from_dict(broken(change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"load": np.nan}, "row 5"),
        ({"load": np.inf}, "row 5"),
        ({"drug": "z"}, "'z' in row 5"),
        ({"sex": 3}, "'sex'"),
    ],
)
def test_transform_names_column_and_row(change, words):
    preprocessor = Preprocessor(SCHEMA).fit(table())
    frame = table().astype({"drug": object, "sex": object})
    for name, value in change.items():
        frame.loc[5, name] = value
    with pytest.raises(InputError, match=words):
        preprocessor.transform(frame)


def test_what_cannot_be_fitted_or_decoded_is_refused_in_words():
    fitted = Preprocessor(SCHEMA).fit(table())
    with pytest.raises(InputError, match="not fitted"):
        Preprocessor(SCHEMA).transform(table())
    with pytest.raises(InputError, match="no column 'load'"):
        Preprocessor(SCHEMA).fit(table().drop(columns="load"))
    with pytest.raises(InputError, match="no rows"):
        Preprocessor(SCHEMA).fit(table().head(0))
    with pytest.raises(InputError, match="not a number"):
        Preprocessor(SCHEMA).fit(table().assign(load="many"))
    with pytest.raises(InputError, match="wider than any measurement"):
        Preprocessor(SCHEMA).fit(table().assign(load=[1e-300] * 199 + [1e300]))
    with pytest.raises(InputError, match=r"\(rows, 8\), got \(200, 3\)"):
        fitted.inverse_transform(np.zeros((200, 3)))
    with pytest.raises(InputError, match="diverged"):
        fitted.inverse_transform(np.full((2, 8), np.nan))
