"""The schema: what it accepts, what it infers, TOML there and back, labels and codes."""

import numpy as np
import pandas as pd
import pytest
from cohort_tables import published_layout, trial

from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.errors import InputError
from hgteach.schema import Column, Layout, Schema, level_text


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"kind": "number"}, "has kind 'number'"),
        ({"kind": "real", "levels": ("a",)}, "cannot have levels"),
        ({"kind": "binary", "levels": ("a",)}, "has 1 levels"),
        ({"kind": "categorical"}, "List its levels"),
        ({"kind": "categorical", "levels": ("a", "b", "a")}, "lists a level twice"),
        ({"kind": "binary", "levels": ("a", "b"), "codes": (1,)}, "one distinct code"),
        ({"kind": "binary", "levels": ("a", "b"), "codes": (1, 1)}, "one distinct code"),
    ],
)
def test_a_column_that_contradicts_itself(settings, complaint):
    with pytest.raises(InputError, match=complaint):
        Column("x", **settings)


def test_a_schema_needs_columns_and_distinct_names():
    with pytest.raises(InputError, match="no columns"):
        Schema("s", "id", "t", ())
    with pytest.raises(InputError, match="'id' more than once"):
        Schema("s", "id", "t", (Column("id", "real"),))
    with pytest.raises(InputError, match="has no column 'cd4'"):
        ART_HIV["cd4"]
    with pytest.raises(InputError, match="has no column 'cd4'"):
        ART_HIV.select(["VL", "cd4"])


def test_blocks_put_numbers_first_and_tile_the_matrix():
    blocks = ART_HIV.blocks
    assert [b.column.kind for b in blocks[:3]] == ["real"] * 3
    assert [b.start for b in blocks] == [0, *np.cumsum([b.width for b in blocks])[:-1]]
    assert blocks[-1].stop == ART_HIV.width == 37
    assert [b.width for b in blocks if b.column.name == "Extra PI"] == [6]


def test_toml_there_and_back(tmp_path):
    ART_HIV.to_toml(tmp_path / "s.toml")
    assert Schema.from_toml(tmp_path / "s.toml") == ART_HIV
    inferred = Schema.infer(trial(), patient="person", time="visit")
    inferred.to_toml(tmp_path / "s.toml")
    assert Schema.from_toml(tmp_path / "s.toml") == inferred


GOOD = 'patient = "id"\ntime = "t"\n[[columns]]\nname = "x"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("not [ toml", "cannot be read as TOML"),
        ("", "lacks the entry 'patient'"),
        ('time = "t"\n[[columns]]\nname = "x"\nkind = "real"', "lacks the entry 'patient'"),
        (GOOD + 'kind = "real"\nunits = "kg"', "unknown setting 'units'"),
        (GOOD + 'kind = "real"\nstatic = "yes"', "needs true or false as 'static'"),
        (GOOD + 'kind = "real"\nlower = "zero"', "needs a number as 'lower'"),
        (GOOD + 'kind = "binary"\nlevels = "ab"', "needs a list of texts as 'levels'"),
        (GOOD + 'kind = "binary"\nlevels = [1, 2]', "needs a list of texts as 'levels'"),
        (GOOD + 'kind = "binary"\nlevels = ["a", "b"]\ncodes = ["1", "2"]', "list of numbers as"),
        (GOOD, "not laid out as expected"),
        ('patient = "id"\ntime = "t"\ncolumns = 5', "not laid out as expected"),
        ('patient = "id"\ntime = "t"\ncolumns = ["x"]', "not laid out as expected"),
        ('patient = 3\ntime = "t"\n[[columns]]\nname = "x"\nkind = "real"', "name of a column"),
    ],
)
def test_a_toml_file_that_is_no_schema(text, complaint, tmp_path):
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(InputError, match=complaint):
        Schema.from_toml(tmp_path / "s.toml")


def test_a_toml_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="no schema file"):
        Schema.from_toml(tmp_path / "none.toml")
    with pytest.raises(InputError, match="cannot be read"):
        Schema.from_toml(tmp_path)


def test_inference_on_a_trial():
    schema = Schema.infer(trial(), patient="person", time="visit")
    assert schema.names == ["arm", "centre", "age", "seizures", "weight"]
    assert schema["arm"] == Column("arm", "binary", ("drug", "placebo"), static=True)
    assert schema["centre"] == Column("centre", "binary", ("1", "2"), (1, 2), static=True)
    assert schema["age"] == Column("age", "real", static=True, integer=True)
    assert schema["seizures"] == Column("seizures", "real", integer=True)
    assert schema["weight"] == Column("weight", "real")


def test_static_means_no_patient_ever_changes():
    table = trial().sample(frac=1, random_state=3)
    assert "age" in Schema.infer(table, patient="person", time="visit").static
    table.iloc[-1, table.columns.get_loc("age")] += 1
    assert "age" not in Schema.infer(table, patient="person", time="visit").static


def test_inference_of_odd_columns():
    table = pd.DataFrame(
        {
            "id": [1, 1, 2, 2],
            "t": [0, 1, 0, 1],
            "yes": [True, False, True, True],
            "one": [3, 3, 3, 3],
            "dose": [1.0, 2.0, 2.0, 1.0],
            "half": [0.5, 1.5, 0.5, 1.5],
        }
    )
    schema = Schema.infer(table, patient="id", time="t")
    assert schema["yes"] == Column("yes", "binary", ("False", "True"))
    assert schema["one"] == Column("one", "categorical", ("3",), (3,), static=True)
    assert schema["dose"] == Column("dose", "binary", ("1", "2"), (1, 2))
    assert schema["half"].kind == "real" and not schema["half"].integer


def test_inference_needs_the_named_columns():
    with pytest.raises(InputError, match="no column 'month' to use as the time"):
        Schema.infer(trial(), patient="person", time="month")
    with pytest.raises(InputError, match="no patients"):
        Schema.infer(trial().assign(person=None), patient="person", time="visit")
    with pytest.raises(InputError, match="no patients"):
        Schema.infer(trial().iloc[:0], patient="person", time="visit")
    with pytest.raises(InputError, match="nothing to model"):
        Schema.infer(trial()[["person", "visit"]], patient="person", time="visit")
    with pytest.raises(InputError, match="'visit' more than once"):
        Schema.infer(trial(), patient="visit", time="visit")


@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_codes_become_labels_and_codes_again(dtype):
    raw = published_layout()
    labelled = ART_HIV.label(raw.astype(dict.fromkeys(ART_HIV.categorical, dtype)))
    assert labelled["Ethnic"].cat.categories.tolist() == list(ART_HIV["Ethnic"].levels)
    first = ART_HIV["Ethnic"].codes.index(raw["Ethnic"][0])
    assert labelled["Ethnic"][0] == ART_HIV["Ethnic"].levels[first]
    back = Layout.of(raw, ART_HIV).restore(labelled, ART_HIV)
    pd.testing.assert_frame_equal(back, raw)


@pytest.mark.parametrize("dtype", [object, "category", "str"])
def test_labels_stay_labels(dtype):
    raw = ART_HIV.label(published_layout())
    typed = raw.astype(dict.fromkeys(ART_HIV.categorical, dtype))
    pd.testing.assert_frame_equal(ART_HIV.label(typed), raw)
    back = Layout.of(typed, ART_HIV).restore(raw, ART_HIV)
    assert back["Gender"].astype(object).tolist() == raw["Gender"].astype(object).tolist()


def test_what_is_no_level_becomes_missing():
    raw = published_layout()
    raw.loc[0, "Gender"] = 7
    labelled = ART_HIV.label(raw.assign(Ethnic=["Martian", None] + ["Asian"] * (len(raw) - 2)))
    assert labelled["Gender"].isna().tolist() == [True] + [False] * (len(raw) - 1)
    assert labelled["Ethnic"].isna().sum() == 2


def test_labelling_leaves_the_given_table_alone():
    raw = published_layout()
    before = raw.copy()
    labelled = ART_HIV.label(raw)
    labelled.loc[:, "VL"] = 0
    pd.testing.assert_frame_equal(raw, before)


@pytest.mark.parametrize(("value", "text"), [(1.0, "1"), (np.float32(2), "2"), (1.5, "1.5"),
                                             (3, "3"), (True, "True"), ("a", "a")])
def test_the_text_of_a_level(value, text):
    assert level_text(value) == text
