"""Tables of one's own, with all that is wrong with them: from a file to a report and back."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from tiny_training import tiny

import hgteach
from hgteach.cli import main
from hgteach.cohorts.checking import check, infer_schema
from hgteach.cohorts.reading import read_table, write_table
from hgteach.errors import InputError
from hgteach.models import MODELS
from hgteach.schema import Layout, Schema
from hgteach.training.generator import Generator
from hgteach.visits import Visits

PATIENTS = 24


def clinic(seed: int = 0) -> pd.DataFrame:
    """A simulated clinic, as its file would say it: dates as text, empty cells, one to six rows."""
    random = np.random.default_rng(seed)
    lengths = np.append(1, random.integers(1, 7, PATIENTS - 1))
    who = np.repeat(np.arange(PATIENTS), lengths)
    rows = len(who)
    day = pd.Series(random.integers(20, 40, rows)).groupby(who).cumsum().to_numpy()
    start = pd.Timestamp("2019-03-01") + pd.to_timedelta(np.repeat(random.integers(0, 99, PATIENTS),
                                                                   lengths), unit="D")
    table = pd.DataFrame({"id": [f"{w:03d}x" for w in who],
                          "seen": (start + pd.to_timedelta(day, unit="D")).strftime("%d/%m/%Y")})
    table["smoker"] = pd.Series(random.choice(["yes", "no"], PATIENTS)).mask(
        random.random(PATIENTS) < 0.3)[who].to_numpy()
    table["weight"] = random.normal(70, 9, rows).round(1)
    table["attacks"] = pd.Series(random.poisson(3, rows) + np.arange(rows) % 9)
    table["lab"] = pd.Series(random.normal(4, 1, rows).round(2)).mask(random.random(rows) < 0.4)
    table["stage"] = random.choice([1, 2], rows)
    return table.sample(frac=1, random_state=seed)


def train_and_make(table, patient, time, model="v1", patients=30, **schema):
    schema = infer_schema(table, patient=patient, time=time, source="t")
    labelled = check(table, schema)
    layout = Layout.of(table, schema)
    generator = hgteach.train(model, labelled, schema, settings=tiny(model), epochs=1,
                              layout=layout, progress=False)
    return layout.restore(generator.generate(patients), schema), schema


@pytest.mark.parametrize("model", MODELS)
def test_every_model_learns_an_irregular_table_and_keeps_its_layout(model, tmp_path):
    table = clinic()
    labelled = check(table, schema := infer_schema(table, patient="id", time="seen", source="t"))
    trained = hgteach.train(model, labelled, schema, settings=tiny(model), epochs=1,
                            layout=Layout.of(table, schema), progress=False)
    trained.save(tmp_path)
    loaded = Generator.load(tmp_path)
    made = loaded.generate(30, seed=2)
    pd.testing.assert_frame_equal(made, trained.generate(30, seed=2))
    assert made["seen"].dtype.kind == "M"
    assert (made.groupby("id").size() <= table.groupby("id").size().max()).all()
    assert (made.groupby("id")["seen"].diff().dropna() >= pd.Timedelta(days=20)).all()
    smoker = made["smoker"].astype(object).fillna("")
    assert (smoker.groupby(made["id"]).transform("first") == smoker).all()
    written = loaded.layout.restore(made, loaded.schema)
    assert list(written) == list(table)
    assert written["seen"].str.fullmatch(r"\d\d/\d\d/20\d\d").all()
    assert set(written["smoker"].dropna()) <= {"yes", "no"}
    assert set(written["stage"]) <= {1, 2}
    assert pd.api.types.is_integer_dtype(written["attacks"])
    assert written["attacks"].between(table["attacks"].min(), table["attacks"].max()).all()
    assert (written["weight"].round(1) == written["weight"]).all()
    assert sorted(made["id"].unique()) == list(range(30)), "patients are numbered, not named"


def test_from_a_file_to_a_report(tmp_path, capsys):
    table = clinic()
    write_table(table, tmp_path / "t.csv", blank="NA")
    assert ",NA," in (tmp_path / "t.csv").read_text()
    names = ["--patient", "id", "--time", "seen"]
    toml = str(tmp_path / "t.toml")
    assert main(["data", "check", str(tmp_path / "t.csv"), *names, "--write-schema", toml]) == 0
    said = capsys.readouterr().out
    assert "1 to 6" in said and "rows at different times" in said
    assert re.search(r"lab +real +changing +\S+ to \S+; empty in \d", said)
    assert "could be %m/%d/%Y too" not in said, "the 28th is no month"
    assert Schema.from_toml(toml).time_date == "%d/%m/%Y"
    text = (tmp_path / "t.toml").read_text().replace("missing = true", "missing = false")
    (tmp_path / "strict.toml").write_text(text)
    assert main(["data", "check", str(tmp_path / "t.csv"), "--schema",
                 str(tmp_path / "strict.toml")]) == 2
    assert "write missing = true" in capsys.readouterr().err
    folder, out = str(tmp_path / "v1"), str(tmp_path / "s.csv")
    assert main(["train", "--model", "v1", "--data", str(tmp_path / "t.csv"), "--schema", toml,
                 "--epochs", "1", "--out", folder]) == 0
    assert main(["generate", "--from", folder, "--patients", "40", "--out", out]) == 0
    made = read_table(out)
    assert list(made) == list(table)
    if made.isna().any(axis=None):
        assert ",NA" in (tmp_path / "s.csv").read_text()
    assert main(["evaluate", "--real", str(tmp_path / "t.csv"), "--synthetic", out, "--schema",
                 toml, "--out", str(tmp_path / "r.html"), "--json", str(tmp_path / "r.json")]) == 0
    scores = json.loads((tmp_path / "r.json").read_text())
    assert "rows without a value" in json.dumps(scores)


def base(rows: int = 4) -> pd.DataFrame:
    who = np.repeat(np.arange(20), rows)
    random = np.random.default_rng(1)
    return pd.DataFrame({"id": who, "t": np.tile(np.arange(rows), 20),
                         "x": random.normal(size=len(who))})


def mixed(table):
    values = np.arange(len(table)).astype(object)
    values[::7] = None
    return values


NASTY = {
    "a patient with one row": lambda t: t[(t["id"] > 0) | (t["t"] == 0)],
    "a column empty in 95 %": lambda t: t.assign(y=t["x"].where(t.index % 20 == 0)),
    "booleans": lambda t: t.assign(y=t["x"] > 0),
    "booleans and nothing": lambda t: t.assign(y=(t["x"] > 0).astype(object).where(t["x"] < 1)),
    "numbers among objects": lambda t: t.assign(y=mixed(t)),
    "times of day": lambda t: t.assign(t=pd.Timestamp("2020-01-01 08:15:30")
                                       + pd.to_timedelta(t["t"] * 1000 + t["id"], unit="s")),
    "text dates": lambda t: t.assign(t=(pd.Timestamp("2019-03-01") + pd.to_timedelta(
        t["t"] * 7, unit="D")).astype(str)),
    "sixty levels": lambda t: pd.concat([t.assign(id=t["id"] + 20 * k) for k in range(5)]).assign(
        y=lambda u: [f"ward {i % 60}" for i in range(len(u))]),
    "a static column only": lambda t: t.assign(x=t["id"] % 3 * 1.5)[["id", "t", "x"]],
    "whole floats": lambda t: t.assign(y=(t["x"] * 9).round()),
    "negative times": lambda t: t.assign(t=t["t"] * 1.5 - t["id"]),
    "unsorted": lambda t: t.sample(frac=1, random_state=0).drop(index=5),
    "leading zeros": lambda t: t.assign(id=t["id"].map("{:04d}".format)).drop(index=5),
    "uneven visits": lambda t: t.assign(t=t["t"].map({0: 0, 1: 3, 2: 6, 3: 12})),
    "a row number": lambda t: t.assign(rownames=range(1, len(t) + 1)).drop(index=[5])
                               .assign(rownames=range(1, len(t))),
    "a question mark": lambda t: t.assign(y=(t["x"] * 9).round().astype(int).astype(str)
                                          .mask(t.index % 9 == 0, "?")),
    "half grades": lambda t: t.assign(y=np.tile([0, 0.5, 1, 1], 20)),
    "dates in a column": lambda t: t.assign(y=[f"{1 + i % 28:02d}.05.2021" for i in t.index]),
    "an ordered column": lambda t: t.assign(y=pd.Categorical(
        ["low", "mid", "high", "mid"] * 20, ["low", "mid", "high"], ordered=True)),
}


@pytest.mark.parametrize("kind", NASTY)
def test_nasty_tables_train_and_come_back_as_they_were_written(kind):
    table = NASTY[kind](base())
    made, _ = train_and_make(table, "id", "t")
    columns = [name for name in table if name != "rownames"]
    assert list(made) == columns
    for name in columns[1:]:
        real, copy = table[name].dropna(), made[name].dropna()
        if table[name].isna().sum() == 0 and kind != "a question mark":
            assert made[name].notna().all(), name
        if real.dtype.kind in "biuM":
            assert copy.dtype.kind == real.dtype.kind or len(copy) < len(made), name
        if kind == "whole floats" and name == "y":
            assert (copy == copy.round()).all()
        if real.dtype.kind not in "iufM" and kind not in ("numbers among objects", "text dates",
                                                          "dates in a column", "a question mark"):
            assert set(copy) <= set(real), name
    if kind == "a question mark":
        assert pd.to_numeric(made["y"].mask(made["y"] == "?")).dropna().mod(1).eq(0).all()
    if kind == "text dates":
        assert made["t"].str.fullmatch(r"2019-03-\d\d").all()
    if kind == "dates in a column":
        assert made["y"].str.fullmatch(r"\d\d\.05\.2021").all()
    if kind == "uneven visits":
        assert set(made["t"]) == {0, 3, 6, 12}


PEOPLE = ["Ann Smith", "Bob Jones", "Cy Lee", "Dee Ng", "Eve Fox", "Fay Hill", "Gus Wu", "Hal Diaz",
          "Ida Roy", "Jon May", "Kim Day", "Lou Kay", "Mia Orr", "Ned Poe", "Oz Ash", "Pam Bell",
          "Quy Cole", "Ray Dunn", "Sam Eno", "Tia Fay"]  # fmt: skip
IDENTIFIERS = {
    "names": (lambda w: PEOPLE[w], "names of people"),
    "e-mail": (lambda w: f"p{w}@example.org", "e-mail addresses"),
    "telephone": (lambda w: f"+61 4{w:02d} 555 012", "telephone numbers"),
    "unique codes": (lambda w: f"K-{w * 7919 % 997:03d}", "identifier or free text"),
    "mrn": (lambda w: 4_000_000 + w * 7919, "identifier"),
    "account": (lambda w: 4_000_000_000 + w * 7919, "no two patients share"),
}


@pytest.mark.parametrize("kind", IDENTIFIERS)
def test_identifiers_are_refused_with_the_way_to_leave_them_out(kind):
    make, reason = IDENTIFIERS[kind]
    table = base()
    table[kind] = table["id"].map(make)
    with pytest.raises(InputError, match=reason) as refusal:
        Schema.infer(table, patient="id", time="t")
    assert f"--leave-out '{kind}'" in str(refusal.value)


def test_free_text_and_empty_columns_are_refused():
    table = base().assign(note=[f"Seen today, feels well, call {i}" for i in range(80)], none=None)
    with pytest.raises(InputError) as refusal:
        Schema.infer(table, patient="id", time="t")
    assert "'note' looks like free text" in str(refusal.value)
    assert "'none' has no values at all" in str(refusal.value)


def test_columns_that_are_left_out_are_neither_read_nor_refused_later(tmp_path, capsys):
    table = base().assign(name=lambda t: t["id"].map(PEOPLE.__getitem__))
    write_table(table, tmp_path / "t.csv")
    toml = tmp_path / "t.toml"
    names = ["--patient", "id", "--time", "t"]
    check_it = ["data", "check", str(tmp_path / "t.csv")]
    assert main([*check_it, *names]) == 2
    assert "--leave-out 'name'" in capsys.readouterr().err
    assert main([*check_it, *names, "--leave-out", "name", "--write-schema", str(toml)]) == 0
    assert Schema.from_toml(toml).left_out == ("name",)
    assert main([*check_it, "--schema", str(toml)]) == 0
    assert main([*check_it, *names, "--leave-out", "nome"]) == 2
    assert "no column 'nome'" in capsys.readouterr().err


DOUBTS = {
    "a constant": (lambda t: t.assign(y=3.5), "'y' has one value only"),
    "few whole numbers": (lambda t: t.assign(y=t["t"] + 1), "'y' has 4 whole numbers"),
    "minus nine": (lambda t: t.assign(y=np.where(t.index % 9 == 0, -9, t.index % 40)),
                   'empty = \\["-9"\\]'),
    "999": (lambda t: t.assign(y=np.where(t.index % 9 == 0, 999, t.index % 40)), '"999"'),
    "unknown": (lambda t: t.assign(y=np.tile(["a", "b", "unknown", "a"], 20)), "level 'unknown'"),
    "mostly empty": (lambda t: t.assign(y=t["x"].where(t.index % 20 == 0)), "empty in 95%"),
    "day or month": (lambda t: t.assign(y=[f"0{1 + i % 9}/0{1 + i % 7}/2020" for i in t.index]),
                     "could be %m/%d/%Y too"),
    "few patients": (lambda t: t, "20 patients are few"),
    "blanks": (lambda t: t.assign(y=[" " if i % 9 == 0 else f"{i}.5" for i in t.index]),
               "'y': ' ' was taken as an empty cell"),
    "small or large letters": (lambda t: t.assign(y=np.tile(["F", "M", "f", "M "], 20)),
                               "'F' and 'f'. Is one a slip(?s:.*)'M' and 'M '"),
}


@pytest.mark.parametrize("kind", DOUBTS)
def test_check_says_what_it_is_unsure_of(kind, tmp_path, capsys):
    make, sentence = DOUBTS[kind]
    write_table(make(base()), tmp_path / "t.csv")
    assert main(["data", "check", str(tmp_path / "t.csv"), "--patient", "id", "--time", "t"]) == 0
    assert re.search(sentence, capsys.readouterr().out)


def test_a_code_for_an_empty_cell_is_empty_and_comes_back_as_the_code(tmp_path):
    table = base().assign(y=lambda t: np.where(t.index % 3 == 0, -9, t.index % 40))
    schema = Schema.infer(table, patient="id", time="t").to_dict()
    schema["columns"][1] |= {"missing": True, "empty": ["-9"]}
    schema = Schema.from_dict(schema)
    labelled = check(table, schema)
    assert labelled["y"].isna().sum() == 27
    back = Layout.of(table, schema).restore(labelled, schema)
    pd.testing.assert_frame_equal(back, table, check_dtype=False)


def test_the_format_of_dates_in_a_file_is_kept(tmp_path):
    text = "id,when,x\n" + "".join(
        f"{p},2020-01-{1 + d:02d}T08:30:0{p % 9},{p + d / 2}\n" for p in range(9) for d in range(3)
    )
    (tmp_path / "t.csv").write_text(text)
    made, _ = train_and_make(read_table(tmp_path / "t.csv"), "id", "when")
    assert made["when"].str.fullmatch(r"2020-01-\d\dT\d\d:\d\d:\d\d").all()


def test_row_names_as_r_writes_them_are_no_column(tmp_path):
    base().to_csv(tmp_path / "t.csv", index_label="")
    assert list(read_table(tmp_path / "t.csv")) == ["id", "t", "x"]


@pytest.mark.parametrize(
    "form", ["%d/%m/%y", "%d-%b-%y", "%Y-%m", "%b %Y", "%m/%d/%Y %I:%M %p",
             "%Y-%m-%dT%H:%M:%S+00:00"],
)  # fmt: skip
def test_usual_ways_to_write_dates_are_read_and_come_back(form):
    days = pd.date_range("2019-12-01 13:45", periods=80, freq="31D")
    table = base().assign(seen=days.strftime(form).astype(object))
    schema = Schema.infer(table, patient="id", time="t")
    assert schema["seen"].date == form
    visits = Visits.fit(check(table, schema), schema)
    labelled = visits.restore(visits.regular(check(table, schema)))
    assert Layout.of(table, schema).restore(labelled, schema)["seen"].tolist() == [*table["seen"]]


def test_ten_decimals_stay_ten():
    table = base().assign(y=lambda t: (t.index + 1) / 2**10)
    schema = Schema.infer(table, patient="id", time="t")
    layout = Layout.of(table, schema)
    made = schema.label(table).assign(y=np.pi)
    assert layout.decimals["y"] == 10
    assert (layout.restore(made, schema)["y"] == 3.1415926536).all()


def test_a_schema_never_replaces_the_table_or_what_somebody_edited(tmp_path, capsys):
    data, toml = tmp_path / "t.csv", tmp_path / "t.toml"
    write_table(base(), data)
    before = data.read_bytes()
    it = ["data", "check", str(data), "--patient", "id", "--time", "t", "--write-schema"]
    assert main([*it, str(data)]) == 2
    assert "should end in .toml" in capsys.readouterr().err
    assert data.read_bytes() == before
    assert main([*it, str(toml)]) == main([*it, str(toml)]) == 0
    toml.write_text(edited := toml.read_text() + 'unit = "kg"\n')
    assert main([*it, str(toml)]) == 2
    assert "differs" in capsys.readouterr().err
    assert toml.read_text() == edited


def test_a_heading_with_a_comma_can_be_left_out(tmp_path, capsys):
    table = base().assign(**{"weight (kg), early": 1.5, "note": 2.5})
    write_table(table, tmp_path / "t.csv")
    it = ["data", "check", str(tmp_path / "t.csv"), "--patient", "id", "--time", "t", "--leave-out"]
    for text in ("weight (kg), early", '"weight (kg), early", note'):
        assert main([*it, text]) == 0
        assert "Left out: 'weight (kg), early'" in capsys.readouterr().out
