"""The report: tables that differ are matched, scores stand beside references, nothing is hidden."""

import html.parser
import json
import re

import numpy as np
import pandas as pd
import pytest
from cohort_tables import published_layout, trial

import hgteach
from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.catalogue import COHORTS
from hgteach.errors import InputError
from hgteach.evaluation import judging
from hgteach.evaluation.copies import BAD_COPIES
from hgteach.evaluation.judging import floor_tasks, judge, verdict
from hgteach.evaluation.matching import UNSEEN, match
from hgteach.evaluation.measure import Measure, NotMeasured

KEYS = {"patient": "person", "time": "visit"}


def measure(name, score, family="realism", best=0.0, dear=False):
    return Measure(name, family, f"What {name} is.", -10.0, 10.0, best, "this test", score, dear)


def mean_difference(task):
    real, made = (np.nanmean(group["weight"]) for group in (task.real, task.synthetic))
    return abs(real - made)


def needs_holdout(task):
    if task.holdout is None:
        raise NotMeasured("There is no holdout.")
    return float(len(task.holdout))


def broken(task):
    raise IndexError("out of range")


TOYS = (
    measure("mean weight", mean_difference),
    measure("repeats", lambda task: 1 - len(np.unique(task.synthetic["age"][:, 0])) / len(
        task.synthetic), "safety"),
    measure("held out", needs_holdout, "safety"),
    measure("broken", broken, "utility"),
    measure("undefined", lambda task: np.nan, "utility"),
    measure("seed", lambda task: task.seed, "utility", dear=True),
)  # fmt: skip


@pytest.fixture
def toys(monkeypatch):
    monkeypatch.setattr(judging, "all_measures", lambda: TOYS)


def other_trial(patients=12, seed=5):
    table = trial(patients)
    random = np.random.default_rng(seed)
    return table.assign(weight=random.normal(72, 9, len(table)))


def notes_of(*tables, **given):
    """Return the notes less the one on tables as small as most here."""
    notes = match(*tables, **KEYS, **given).notes
    return [note for note in notes if "next to nothing" not in note]


# Matching


def test_equal_tables_need_no_note():
    cohorts = match(trial(30), other_trial(30), **KEYS)
    assert cohorts.notes == ()
    assert len(match(trial(29), other_trial(29), **KEYS).notes) == 1
    assert len(cohorts.real) == len(cohorts.synthetic) == 30
    assert cohorts.real.schema.names == ["arm", "centre", "age", "seizures", "weight"]


def test_art_hiv_is_recognised_by_its_columns_whether_coded_or_labelled():
    raw = published_layout(6)
    cohorts = match(raw, ART_HIV.label(published_layout(6, seed=1)))
    assert cohorts.real.schema == ART_HIV
    fewer = match(raw.drop(columns="Extra PI"), raw)
    assert fewer.real.schema.names == [name for name in ART_HIV.names if name != "Extra PI"]
    assert "'Extra PI'" in fewer.notes[0]


@pytest.mark.parametrize("name", sorted(COHORTS))
def test_every_cohort_is_recognised_by_its_columns(name):
    cohort = COHORTS[name]
    raw, schema = cohort.simulate(6), cohort.schema
    cohorts = match(raw, schema.label(cohort.simulate(6, seed=1)).drop(columns=schema.names[-1]))
    assert (cohorts.real.schema.name, cohorts.real.schema.names) == (name, schema.names[:-1])
    with pytest.raises(InputError, match="which column tells patients apart"):
        match(raw.assign(stranger=1), raw)


@pytest.mark.parametrize("given", [{}, {"patient": "person"}, {"patient": "x", "time": "visit"}])
def test_columns_that_nobody_explains_are_asked_for(given):
    with pytest.raises(InputError, match="which column tells patients apart"):
        match(trial(), other_trial(), **given)


def test_columns_that_are_not_shared_are_said_and_left_out():
    real = trial().assign(extra=1.5)
    cohorts = match(real, other_trial().drop(columns="arm").assign(made=3), **KEYS)
    assert cohorts.real.schema.names == ["centre", "age", "seizures", "weight"]
    notes = " ".join(cohorts.notes)
    assert all(f"'{name}'" in notes for name in ("arm", "extra", "made"))


def test_nothing_in_common_is_refused():
    with pytest.raises(InputError, match="no column in common"):
        match(trial(), other_trial()[["person", "visit"]].assign(other=1), **KEYS)
    with pytest.raises(InputError, match="synthetic table has no column 'visit'"):
        match(trial(), other_trial().drop(columns="visit"), **KEYS)


def test_longer_records_are_cut_and_it_is_said():
    made = other_trial()
    cohorts = match(trial(), made[made["visit"] < 4], **KEYS)
    assert cohorts.real.timesteps == cohorts.synthetic.timesteps == 3
    assert cohorts.real.lengths.tolist() == [3] * 12
    assert "real 4, synthetic 3" in cohorts.notes[0]


def test_shorter_records_on_average_are_said():
    made = other_trial()
    few = made[(made["visit"] < 3) | (made["person"] == "P00")]
    assert notes_of(trial(), few) == [
        "Patients have different numbers of rows on average (real 4.0, synthetic 2.2). No score "
        "counts it."
    ]


def test_unknown_levels_become_a_level_of_their_own():
    made = other_trial()
    made.loc[:5, "arm"] = "surgery"
    made["centre"] = made["centre"].astype(float)
    made.loc[0, "centre"] = 7.0
    cohorts = match(trial(), made, **KEYS)
    arm, centre = cohorts.real.schema["arm"], cohorts.synthetic.schema["centre"]
    assert arm.kind == "categorical"
    assert arm.levels == ("drug", "placebo", UNSEEN)
    assert (cohorts.synthetic["arm"] == 2).sum() == 6
    assert centre.levels == ("1", "2", UNSEEN)
    assert (cohorts.synthetic["centre"] == 2).sum() == 1
    assert cohorts.real["arm"].max() == 1
    assert "'arm' 12.50%, 'centre' 2.08%" in cohorts.notes[0]


def test_what_is_no_number_is_empty_and_said():
    made = other_trial()
    made["weight"] = made["weight"].astype(object)
    made.loc[0, "weight"] = "heavy"
    made.loc[1, "weight"] = np.inf
    made.loc[2, "weight"] = None
    cohorts = match(trial(), made, **KEYS)
    assert np.isnan(cohorts.synthetic["weight"]).sum() == 3
    assert "synthetic rows without a value that can be used: 'weight' 6.25%." in cohorts.notes[0]


def test_rows_without_patient_or_with_a_repeated_time_are_left_out():
    made = other_trial()
    made["visit"] = made["visit"].astype(float)
    made.loc[0, "visit"] = np.nan
    made.loc[2, "visit"] = 4
    cohorts = match(trial(), made, **KEYS)
    assert cohorts.synthetic.lengths.min() == 2
    assert len(notes_of(trial(), made)) == 2


def test_dates_order_rows_and_words_do_not():
    real = trial()
    dates = {1: "2020-01-09", 2: "2020-01-10", 3: "2020-02-01", 4: "2021-01-01"}
    dated = real.assign(visit=real["visit"].map(dates))
    plain = match(real, real, **KEYS).real["weight"]
    np.testing.assert_array_equal(match(dated, real, **KEYS).real["weight"], plain)
    backwards = real.iloc[::-1].reset_index(drop=True)  # numbers order rows beside dates, too
    np.testing.assert_array_equal(match(dated, backwards, **KEYS).synthetic["weight"], plain)
    with pytest.raises(InputError, match="a number or a date belongs: 'first'"):
        match(real.assign(visit="first"), real, **KEYS)
    with pytest.raises(InputError, match="synthetic table holds 'first', which is neither a nu"):
        match(real, real.assign(visit="first"), **KEYS)


def test_large_tables_are_sampled_and_small_ones_kept(monkeypatch):
    cohorts = match(trial(50), other_trial(40), most=20, **KEYS)
    assert (len(cohorts.real), len(cohorts.synthetic), len(cohorts.spare)) == (20, 20, 20)
    assert "Of the 50 real patients, 20 drawn" in cohorts.notes[0]
    assert "Of the 40 synthetic patients, 20 drawn" in cohorts.notes[1]
    cohorts = match(trial(10), other_trial(40), other_trial(30), **KEYS)
    assert (len(cohorts.real), len(cohorts.synthetic), len(cohorts.holdout)) == (10, 10, 30)
    assert "fewer patients (5) than the real one (30)" in notes_of(trial(30), other_trial(5))[0]


def test_no_patient_is_both_judged_and_spare():
    real = trial(50)
    real["age"] = np.repeat(np.arange(50), 4)
    cohorts = match(real, other_trial(50), most=20, **KEYS)
    ages = [set(group["age"][:, 0]) for group in (cohorts.real, cohorts.spare)]
    assert len(ages[0]) == len(ages[1]) == 20
    assert not ages[0] & ages[1]


def test_a_holdout_that_was_seen_is_told():
    seen = notes_of(trial(20), other_trial(20), trial(20).iloc[:12])
    assert seen[-1].startswith("3 patients of the holdout are in the real table")
    assert notes_of(trial(20), other_trial(20), other_trial(20, 9)) == []


def test_columns_that_cannot_be_inferred_are_left_out():
    real = trial().assign(remark=[f"text {i}" for i in range(48)])
    cohorts = match(real, real, **KEYS)
    assert "remark" not in cohorts.real.schema.names
    assert any("'remark' has 48 different texts" in note for note in cohorts.notes)


# Judging


def test_a_row_holds_the_score_its_references_and_its_reason():
    scores = judge(match(trial(40), other_trial(40), **KEYS), measures=TOYS, progress=False)
    scores = scores.set_index("measure")
    weight = scores.loc["mean weight"]
    expected = abs(trial(40)["weight"].mean() - other_trial(40)["weight"].mean())
    assert weight["score"] == pytest.approx(expected)
    assert weight["low"] < weight["score"] < weight["high"]
    assert weight["independent columns"] == pytest.approx(0, abs=1e-9)  # only shuffled
    assert weight[["floor", *BAD_COPIES]].notna().all()
    assert scores.loc["repeats", "bootstrap of real patients"] > scores.loc["repeats", "floor"]
    assert scores.loc["held out", "reason"] == "There is no holdout."
    assert scores.loc["broken", "reason"] == "It failed on these tables (IndexError: out of range)."
    assert "undefined" in scores.loc["undefined", "reason"]
    assert scores["verdict"].tolist()[2:5] == ["not measured"] * 3
    assert scores["reason"].isna().tolist() == [True, True, False, False, False, True]


def test_a_dear_measure_is_taken_of_one_bad_copy_and_without_interval():
    dear = judge(match(trial(), other_trial(), **KEYS), 3, measures=TOYS, progress=False).iloc[-1]
    assert dear["score"] == dear["floor"] == dear["independent columns"] == 3
    assert dear[["low", "high", "shuffled months", "bootstrap of real patients"]].isna().all()


def test_the_jackknife_agrees_with_the_standard_error_of_a_mean():
    mean = measure("mean", lambda task: float(task.synthetic["age"][:, 0].mean()), best=100.0)
    mean = Measure(**{**vars(mean), "highest": 1000.0})
    made = trial(4000)
    row = judge(match(made, made, most=4000, **KEYS), measures=[mean], progress=False).iloc[0]
    error = made["age"].iloc[::4].std() / np.sqrt(4000)
    reach = (row["high"] - row["low"]) / 2
    assert 0.4 < reach / (2.36 * error) < 1.9  # eight groups estimate a spread roughly
    assert row["score"] == pytest.approx((row["high"] + row["low"]) / 2)


def test_the_floor_holds_real_patients_against_others():
    cohorts = match(trial(40), other_trial(10), **KEYS)
    (halves,) = floor_tasks(cohorts)
    assert (len(halves.real), len(halves.synthetic)) == (20, 10)
    held = match(trial(40), other_trial(40), other_trial(30), **KEYS)
    whole, tested = floor_tasks(held)
    assert whole.real is tested.real is held.real
    assert (len(whole.synthetic), whole.holdout) == (30, None)
    assert len(tested.synthetic) == len(tested.holdout) == 15
    spare = match(trial(40), other_trial(40), most=20, **KEYS)
    (others,) = floor_tasks(spare)
    assert others.real is spare.real
    assert len(others.synthetic) == 20
    floors = judge(held, measures=TOYS, progress=False).set_index("measure")["floor"]
    assert floors["held out"] == 15
    assert floors["repeats"] == 1 - len(np.unique(whole.synthetic["age"][:, 0])) / 30


REFERENCES = {
    "family": "realism", "best": 0.0, "floor": 0.1, "independent columns": 1.1,
    "shuffled months": 0.5, "bootstrap of real patients": 9.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "words", "way"),
    [
        ({"score": 0.05}, "near the floor", -0.05),
        ({"score": 0.2}, "near the floor", 0.1),
        ({"score": 0.3, "low": 0.08, "high": 0.52}, "near the floor", 0.2),
        ({"score": 0.3, "low": 0.2, "high": 0.4}, "between: 20% of the way to independent columns",
         0.2),
        ({"score": 0.3, "low": 0.0, "high": 1.2},
         "undecided: the interval reaches the floor and independent columns", 0.2),
        ({"score": 1.05}, "as bad as independent columns", 0.95),
        ({"score": -1.05}, "near the floor", -0.1),
        ({"score": -1.05, "independent columns": -1.1}, "as bad as independent columns", 0.955),
        ({"score": 1.0, "family": "safety"},
         "between: 10% of the way to bootstrap of real patients", 0.101),
        ({"score": np.nan}, "not measured", np.nan),
        ({"score": 0.3, "floor": np.nan}, "no floor to compare with", np.nan),
        ({"score": 0.3, "independent columns": 0.0, "shuffled months": 0.1}, "worse than the floor",
         np.nan),
        ({"score": 0.1, "independent columns": 0.0, "shuffled months": 0.1}, "near the floor",
         np.nan),
    ],
)  # fmt: skip
def test_verdicts_follow_their_rule(row, words, way):
    said, found = verdict(REFERENCES | row)
    assert said == words
    assert found == pytest.approx(way, nan_ok=True, abs=1e-3)


# The page and the JSON


class Page(html.parser.HTMLParser):
    """Collect the tags of a page, and complain about those that are not closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "img", "path", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag, key):
        return [attrs[key] for name, attrs in self.tags if name == tag and key in attrs]


@pytest.fixture
def report(toys):
    made = other_trial(30).rename(columns={"arm": "<b>arm & co</b>"})
    made.attrs["provenance"] = "Simulated stand-in <i>for</i> a trial"
    return hgteach.evaluate(trial(30), made, **KEYS, progress=False)


def test_the_page_holds_everything_and_needs_nothing(report, tmp_path):
    report.to_html(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not re.search(r"(?:src|href)=\"(?!data:image/png;base64,|#)", text)
    assert "http" not in re.sub(r"base64,[^\"]+", "", text).replace("http-equiv", "")
    assert set(link[1:] for link in page.all("a", "href")) <= set(
        [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    )
    for toy in TOYS:
        assert text.count(toy.name) >= 2  # in the table and among the definitions
    assert all(alt.strip() for alt in page.all("img", "alt"))
    assert len(page.all("img", "alt")) == len(page.all("img", "src")) > 0
    assert "&lt;b&gt;arm &amp; co&lt;/b&gt;" in text
    assert "<b>arm" not in text
    assert "Simulated.</strong>" in text
    assert "There is no holdout." in text


def test_a_page_of_unsimulated_tables_does_not_say_simulated(toys, tmp_path):
    hgteach.evaluate(trial(), other_trial(), **KEYS, progress=False).to_html(tmp_path / "r.html")
    assert "Simulated.</strong>" not in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_the_json_holds_every_score_with_its_references(report, tmp_path):
    report.to_json(tmp_path / "scores.json")
    content = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    first = content["scores"][0]
    assert [row["measure"] for row in content["scores"]] == [toy.name for toy in TOYS]
    assert first["score"] == report.scores.loc[0, "score"]
    assert first["floor"] == report.scores.loc[0, "floor"]
    assert list(first["bad_copies"]) == list(BAD_COPIES)
    assert first["reason"] is None
    assert content["scores"][2]["score"] is None
    assert content["notes"] == report.notes
    assert content["tables"]["synthetic"]["source"] == "Simulated stand-in <i>for</i> a trial"
    assert "holdout" not in content["tables"]


def test_the_same_seed_gives_the_same_report(toys):
    first, again = (hgteach.evaluate(trial(), other_trial(), **KEYS, progress=False).scores
                    for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


def test_a_table_is_not_changed(toys):
    real, made = trial(), other_trial()
    before = real.copy(), made.copy()
    hgteach.evaluate(real, made, **KEYS, progress=False)
    pd.testing.assert_frame_equal(real, before[0])
    pd.testing.assert_frame_equal(made, before[1])


def test_unwritable_places_are_named(report, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        report.to_html(tmp_path / "none" / "report.html")
    assert list(tmp_path.iterdir()) == []


# All real measures, on tables that nobody hopes for


@pytest.mark.parametrize(
    "spoil",
    {
        "as it is": lambda t: t,
        "one patient": lambda t: t[t["person"] == "P00"],
        "one visit": lambda t: t[t["visit"] == 1],
        "a constant column": lambda t: t.assign(weight=70.0, arm="drug"),
        "no numbers": lambda t: t[["person", "visit", "arm"]],
        "no levels": lambda t: t[["person", "visit", "weight", "seizures"]],
        "empty cells": lambda t: t.assign(weight=t["weight"].where(t.index % 3 > 0)),
        "an empty column": lambda t: t.assign(weight=np.nan),
        "unequal lengths": lambda t: t[t.index % 7 > 0],
    }.items(),
    ids=lambda item: item[0],
)
def test_odd_tables_are_judged_and_never_fail(spoil, tmp_path):
    report = hgteach.evaluate(trial(30), spoil[1](other_trial(30)), **KEYS, progress=False,
                              holdout=other_trial(30, 9))
    failed = report.scores["reason"].dropna()
    assert failed[failed.str.startswith("It failed")].tolist() == []
    report.to_html(tmp_path / "report.html", progress=False)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    Page(text)
    assert re.findall(r"It failed[^<]*", text) == []
    words = re.sub(r"base64,[^\"]+", "", text)
    assert re.findall(r"(?i)months?\b|viral|CD4|regimen", words) == []  # this is no table of HIV
    assert "Shuffled rows" in words and "time in clinical states" in words.split("Left out")[1]


def test_every_measure_is_described_once():
    measures = judging.all_measures()
    assert len({m.name for m in measures}) == len(measures)
    assert {m.family for m in measures} == {"realism", "utility", "safety"}
    for m in measures:
        assert m.lowest <= m.best <= m.highest, m.name
        assert m.definition.endswith("."), m.name
        assert m.source, m.name
