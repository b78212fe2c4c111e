"""Tables that few would train on: they train, or the learner is told in a sentence why not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tiny_training import EXAMPLE, TINY, small_cohort, tiny

import hgteach
from hgteach.errors import InputError
from hgteach.models import MODELS


def wide_table(columns=200, patients=9, months=4):
    random, rows = np.random.default_rng(0), patients * months
    table = {"who": np.repeat(np.arange(patients), months)}
    table["when"] = np.tile(np.arange(months), patients)
    for index in range(0, columns, 2):
        table[f"number {index}"] = random.normal(size=rows)
        table[f"level {index}"] = random.choice(["a", "b", "c"], rows)
    return pd.DataFrame(table)


def odd_table(kind):
    table, schema = small_cohort(9, 6), EXAMPLE
    if kind == "one patient":
        table = table[table["PatientID"] == 3]
    elif kind == "one timestep":
        table = table[table["Timestep"] == 2]
    elif kind == "no numbers":
        schema = schema.select(["Gender", "Extra PI"])
    elif kind == "no levels":
        schema = schema.select(["VL", "CD4"])
    elif kind == "one column":
        schema = schema.select(["Gender"])
    elif kind == "constant columns":
        table = table.assign(VL=5.0, Gender="Male")
    elif kind == "200 columns":
        table = wide_table()
        schema = hgteach.Schema.infer(table, patient="who", time="when")
        table = schema.label(table)
    elif kind == "120 months":
        table = small_cohort(4, 60)
        table = pd.concat([table, table.assign(Timestep=table["Timestep"] + 60)])
    return table, schema


ODD = ["one patient", "one timestep", "no numbers", "no levels", "one column", "constant columns",
       "200 columns", "120 months"]  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ODD)
def test_odd_tables_train(kind, model):
    """Too few patients for a batch, one month, one kind of column only, very many columns, …"""
    table, schema = odd_table(kind)
    lengths = {} if model == "v3" else {"lengths": ()}
    settings = replace(tiny(model), epochs=1, **lengths)
    generator = hgteach.train(model, table, schema, settings=settings, progress=False)
    made = generator.generate(3)
    assert len(made) == 3 * table[schema.time].nunique()
    assert not made.isna().any(axis=None)
    if kind == "constant columns":
        assert np.allclose(made["VL"], 5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.assign(VL=t["VL"].mask(t.index == 7)), "'VL' has no finite number in row 7"),
        (lambda t: t.assign(VL=t["VL"].mask(t.index == 7, np.inf)), "'VL' has no finite number"),
        (lambda t: t.assign(VL="high"), "'VL' holds something that is not a number"),
        (lambda t: t.assign(Gender="Third"), "'Gender' holds 'Third' in row 0"),
        (lambda t: t.assign(Gender=t["Gender"].mask(t.index == 7)), "'Gender' holds nan in row 7"),
        (lambda t: t.assign(PatientID=t["PatientID"].mask(t.index == 7)), "'PatientID' is empty"),
        (lambda t: t.assign(Timestep=t["Timestep"].mask(t.index == 7)), "is empty in row 7"),
        (lambda t: t.drop(columns="CD4"), "no column 'CD4'"),
        (lambda t: t.drop(columns="Timestep"), "no column 'Timestep'"),
        (lambda t: t.drop(index=7), "equally long"),
        (lambda t: t[:0], "no rows"),
        (lambda t: t[:1], "One row is too little"),
        (lambda _: "cohort.csv", "read the file with"),
    ],
)
def test_bad_tables_are_refused_in_a_sentence(change, message, tmp_path):
    table = change(small_cohort(4, 6))
    with pytest.raises(InputError, match=message):
        hgteach.train("v2", table, EXAMPLE, settings=TINY, out=tmp_path / "v2", progress=False)
    assert not (tmp_path / "v2").exists()
