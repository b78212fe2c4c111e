"""Irregular tables become regular ones, and come back as they were."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgteach.columns import Column
from hgteach.errors import InputError
from hgteach.schema import Schema
from hgteach.sequences import count_timesteps
from hgteach.visits import Visits


def clinic(seed=0, patients=12, longest=6, empty=0.3, dates=False, whole=True, grid=False):
    """A simulated clinic: patients come when they like, and not everything is measured."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, longest + 1, patients)
    who = np.repeat(np.arange(patients), lengths)
    position = np.concatenate([np.arange(n) for n in lengths])
    whole |= dates
    gaps = random.integers(1, 90, len(who)) if whole else random.integers(1, 9000, len(who)) / 100
    start = np.repeat(random.integers(-50, 50, patients), lengths)
    when = (start + pd.Series(gaps).groupby(who).cumsum()).round(2).to_numpy()
    if grid:
        when = position * 3
    table = pd.DataFrame({"id": [f"{w:03d}" for w in who], "day": when})
    if dates:
        table["day"] = pd.Timestamp("2019-03-01") + pd.to_timedelta(when, unit="D")
    rows = len(table)

    def some(values):
        return pd.Series(values).mask(random.random(len(values)) < empty)

    table["sex"] = np.repeat(random.choice(["f", "m"], patients), lengths)
    table["weight"] = some(random.normal(70, 9, rows).round(1))
    table["visits"] = some(random.poisson(3, rows) + np.arange(rows) % 7)
    table["stage"] = some(pd.Series(random.choice(["I", "II", "III"], rows), dtype=object))
    table["born"] = pd.Series(
        pd.Timestamp("1950-01-01") + pd.to_timedelta(random.integers(0, 9999, patients), unit="D")
    ).mask(random.random(patients) < empty).iloc[who].reset_index(drop=True)
    table["tested"] = some(
        pd.Timestamp("2020-01-01 08:15:30") + pd.to_timedelta(random.integers(0, 10**7, rows), "s")
    )
    return table


def fitted(table, **changes):
    schema = Schema.infer(table, patient="id", time="day")
    columns = tuple(
        Column(**{**vars(c), **changes.get(c.name, {})}) for c in schema.columns
    )
    schema = Schema(**{**vars(schema), "columns": columns})
    labelled = schema.label(table)
    return labelled, schema, Visits.fit(labelled, schema)


def same(back, table):
    table = table.sort_values(["id", "day"], ignore_index=True)[list(back.columns)]
    for name in table.select_dtypes("datetime"):  # whose unit depends on the version of pandas
        table[name], back[name] = (t[name].astype("datetime64[us]") for t in (table, back))
    pd.testing.assert_frame_equal(back, table, check_dtype=False, check_exact=True)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    patients=st.integers(2, 9),
    longest=st.integers(1, 7),
    empty=st.sampled_from([0.0, 0.2, 0.7]),
    dates=st.booleans(),
    whole=st.booleans(),
    grid=st.booleans(),
)
def test_there_and_back(seed, **options):
    table = clinic(seed, **options)
    if table.isna().all().any():
        return
    table = table.sample(frac=1, random_state=seed)
    labelled, _, visits = fitted(table, stage={"ordered": seed % 2 == 0})
    if visits is None:
        return
    visits = Visits.from_dict(json.loads(json.dumps(visits.to_dict())))
    regular = visits.regular(labelled)
    assert not regular.isna().any(axis=None)
    assert count_timesteps(regular, visits.regular_schema) == visits.longest
    for name in visits.regular_schema.static:
        assert (regular.groupby("id")[name].transform("first") == regular[name]).all()
    same(visits.restore(regular), labelled)


def test_some_patients_at_a_time_are_the_same_patients():
    labelled, _, visits = fitted(clinic(3))
    whole = visits.regular(labelled)
    parts = [visits.regular(part) for _, part in labelled.groupby("id")]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)


def test_the_derived_columns_are_what_they_say():
    table = pd.DataFrame({
        "id": [1, 1, 1, 2, 3, 3], "day": [5, 8, 20, 6, 0, 100],
        "score": [1.5, np.nan, 2.5, np.nan, np.nan, 7.5],
    })
    _, _, visits = fitted(table)
    regular = visits.regular(table).set_index(["id", "day"])
    assert visits.longest == 3
    assert regular.loc[1, "day: gap"].tolist() == [3, 3, 12]
    assert regular.loc[2, "day: gap"].tolist() == [12] * 3  # the median: there is none of its own
    assert regular.groupby("id")["day: rows"].first().tolist() == [3, 1, 2]
    assert regular.groupby("id")["day: first"].first().tolist() == [5, 6, 0]
    assert regular.loc[1, "score"].tolist() == [1.5, 1.5, 2.5]  # carried forward
    assert regular.loc[2, "score"].tolist() == [2.5] * 3  # the median
    assert regular.loc[3, "score"].tolist() == [7.5] * 3  # carried back, then repeated
    assert regular.loc[3, "score: empty"].tolist() == ["yes", "no", "no"]


def test_what_does_not_vary_costs_nothing():
    table = clinic(1, empty=0, grid=True)[["id", "day", "weight"]]
    _, _, visits = fitted(table)
    assert visits.regular_schema.names == ["weight", "day: rows"]
    assert visits.times == [0, 3, 6, 9, 12, 15]
    full = table.groupby("id").filter(lambda rows: len(rows) == 6)
    assert fitted(full)[2] is None, "a regular table is left alone"


def intervals():
    random = np.random.default_rng(5)
    lengths = random.integers(1, 5, 30)
    who = np.repeat(np.arange(30), lengths)
    days = random.integers(3, 200, len(who))
    stop = pd.Series(days).groupby(who).cumsum().to_numpy()
    return pd.DataFrame({"id": who, "row": pd.Series(who).groupby(who).cumcount() + 1,
                         "start": stop - days, "stop": stop, "event": random.integers(0, 2,
                         len(who))})


@pytest.mark.parametrize("time", ["row", "start"])
def test_intervals_stay_intervals_whatever_a_model_makes(time):
    table = intervals()
    schema = Schema.infer(table, patient="id", time=time)
    assert schema["stop"].since == "start"
    labelled = schema.label(table)
    visits = Visits.fit(labelled, schema)
    assert set(visits.regular_schema.names) == {"stop", "event", f"{time}: rows"}
    pd.testing.assert_frame_equal(
        visits.restore(visits.regular(labelled))[list(table)], labelled, check_dtype=False
    )
    made = visits.regular(labelled)
    random = np.random.default_rng(0)
    made["stop"] = random.integers(3, 200, len(made))
    made[f"{time}: rows"] = visits.longest
    back = visits.restore(made)
    assert (back["start"] < back["stop"]).all()
    assert back["stop"].max() <= table["stop"].max()
    assert (back.groupby("id")["start"].first() == 0).all()
    assert (back["row"] == back.groupby("id").cumcount() + 1).all()
    follows = back["id"].eq(back["id"].shift())
    assert (back["start"] == back["stop"].shift())[follows].all()


def test_few_gaps_are_levels_so_that_no_others_are_made():
    random = np.random.default_rng(0)
    who = np.repeat(np.arange(40), 5)
    gaps = random.choice([7, 14], len(who))
    table = pd.DataFrame({"id": who, "day": pd.Series(gaps).groupby(who).cumsum(), "x": gaps * 1.5})
    labelled, _, visits = fitted(table)
    assert visits.regular_schema["day: gap"].levels == ("7", "14")
    same(visits.restore(visits.regular(labelled)), labelled)


def test_very_long_patients_are_cut():
    lengths = [3] * 60 + [200]
    who = np.repeat(np.arange(61), lengths)
    table = pd.DataFrame({"id": who, "day": np.arange(len(who)) ** 2, "x": np.arange(len(who)) / 8})
    labelled, schema, visits = fitted(table)
    assert visits.longest == 10
    back = visits.restore(visits.regular(labelled))
    same(back, labelled.groupby("id").head(10))
    longer = Schema(**{**vars(schema), "longest": 4})
    assert Visits.fit(labelled, longer).longest == 4


def test_one_visit_at_a_time():
    table = clinic(2)
    table = pd.concat([table, table.iloc[[4]]], ignore_index=True)
    with pytest.raises(InputError, match="two rows at the same 'day'"):
        fitted(table)


def test_a_schema_may_forbid_what_the_table_has():
    table = clinic(2)
    with pytest.raises(InputError, match=r"'weight' is empty in row \d+.*missing = true"):
        fitted(table, weight={"missing": False})
    labelled, _, visits = fitted(clinic(2, grid=True))
    with pytest.raises(InputError, match="'day' holds a time that was not there"):
        visits.regular(labelled.assign(day=labelled["day"] + 1))


def test_limits_hold_for_sums_too():
    table = intervals()
    schema = Schema.infer(table, patient="id", time="row")
    columns = tuple(Column(**{**vars(c), "upper": 400.0}) if c.name == "stop" else c
                    for c in schema.columns)
    schema = Schema(**{**vars(schema), "columns": columns})
    labelled = schema.label(table[table["stop"] <= 400])
    visits = Visits.fit(labelled, schema)
    made = visits.regular(labelled).assign(stop=199)
    assert visits.restore(made)["stop"].max() <= 400
