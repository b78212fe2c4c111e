"""Every way to cheat with a synthetic cohort, or with a file, that we could think of."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest
from test_datathon import COLUMNS, data, folder, fresh, naive, round_of, stolen  # noqa: F401

from hgteach import datathon
from hgteach.datathon.rules import COHORT, PREDICTION
from hgteach.errors import InputError


def jittered(table, spread, seed=0):
    """Move every number a little."""
    random = np.random.default_rng(seed)
    return table.assign(**{
        name: table[name] * np.exp(spread * random.standard_normal(len(table)))
        for name in ("VL", "CD4")
    })  # fmt: skip


def months_shuffled(table):
    rows = table.sample(frac=1, random_state=0).sort_values("PatientID", kind="stable")
    return rows.assign(Timestep=np.tile(np.arange(60), 40))


@pytest.mark.parametrize(
    ("cheat", "words"),
    [
        (lambda t: t, "value for value"),
        (lambda t: t.sample(frac=1, random_state=0), "value for value"),
        (lambda t: t.assign(PatientID=t["PatientID"].max() - t["PatientID"]), "value for value"),
        (months_shuffled, "value for value"),
        (lambda t: jittered(t, 0.1), "lightly changed"),
        (lambda t: jittered(t, 0.3), "lightly changed"),
        (lambda t: jittered(months_shuffled(t), 0.05), "copied and jittered"),
    ],
    ids=["exact", "rows in another order", "other numbers", "months shuffled", "jitter",
         "more jitter", "months shuffled, jitter"],
)  # fmt: skip
def test_training_patients_are_not_synthetic(round_of, stolen, cheat, words):  # noqa: F811
    entry = round_of({f"A/{COHORT}": cheat(stolen)})[COHORT]["A"]
    assert "Below the privacy floor" in entry.said
    assert words in entry.said
    assert entry.place == 0


def test_a_few_copies_among_many_are_found(round_of, stolen, fresh):  # noqa: F811
    mixed = pd.concat([jittered(stolen, 0.1).iloc[: 4 * 60], fresh.iloc[4 * 60 :]])
    assert "10% of the patients lie" in round_of({f"A/{COHORT}": mixed})[COHORT]["A"].said


def test_test_patients_are_not_synthetic_either(round_of, data, fresh):  # noqa: F811
    test = data[1][COLUMNS].iloc[: 40 * 24]
    late = fresh.copy()
    late.loc[late["Timestep"] < 24, list(COLUMNS[2:])] = test[COLUMNS[2:]].to_numpy()
    for name in ("Gender", "Ethnic"):
        late[name] = late.groupby("PatientID")[name].transform("first")
    said = round_of({f"A/{COHORT}": jittered(late, 0.05)})[COHORT]["A"].said
    assert "one test patient" in said


def test_identifiers_must_not_leak(round_of, folder, fresh, data, tmp_path):  # noqa: F811
    names = data[0]["PatientID"].unique()[:40].repeat(60)
    board = round_of({f"A/{COHORT}": fresh.assign(PatientID=names)})[COHORT]
    assert "identifiers of patients who were given out" in board["A"].said
    extra = fresh.assign(source=names)
    assert "Too many: 'source'" in round_of({f"A/{COHORT}": extra})[COHORT]["A"].said


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t[t["PatientID"] < 39], "expected 40 patients"),
        (lambda t: t[(t["PatientID"] != 3) | (t["Timestep"] != 59)], "3"),
        (lambda t: t.drop(columns="Ethnic"), "Missing: 'Ethnic'"),
        (lambda t: t.assign(VL=t["VL"].mask(t.index == 5)), "1 cells are empty"),
        (lambda t: t.assign(VL=-1.0), "VL"),
        (lambda t: t.assign(VL=np.inf), "VL"),
        (lambda t: t.assign(Ethnic=9), "Ethnic"),
        (lambda t: t.assign(Timestep=t["Timestep"] + 1), "0 to 59"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "0"),
        (lambda t: pd.concat([t.iloc[:60]] * 40).assign(PatientID=t["PatientID"].to_numpy()),
         "98% of the patients repeat another one"),
    ],
)  # fmt: skip
def test_a_wrong_cohort_is_told_why(round_of, fresh, spoil, words):  # noqa: F811
    entry = round_of({f"A/{COHORT}": spoil(fresh)})[COHORT]["A"]
    assert entry.place == 0
    assert words in entry.said
    assert "could not be judged" not in entry.said


def test_one_patient_lightly_varied_wins_nothing(round_of, fresh):  # noqa: F811
    one = pd.concat([fresh.iloc[:60]] * 40).assign(PatientID=fresh["PatientID"].to_numpy())
    board = round_of({f"A/{COHORT}": jittered(one, 0.2), f"B/{COHORT}": fresh})[COHORT]
    assert board["B"].place == 1
    assert board["A"].place == 0 or board["A"].score < board["B"].score - 25


def test_copies_are_found_before_they_are_handed_in(folder, stolen, fresh, tmp_path):  # noqa: F811
    place = folder / "participants"
    fresh.to_csv(tmp_path / "fine.csv", index=False)
    assert "sound cohort of 40" in datathon.check(tmp_path / "fine.csv", place)
    jittered(stolen, 0.1).to_csv(tmp_path / "near.csv", index=False)
    with pytest.raises(InputError, match="lightly changed"):
        datathon.check(tmp_path / "near.csv", place)


HOSTILE = {
    "empty": (b"", "got none"),
    "pickle": (pickle.dumps({"a": 1}), "not a CSV file"),
    "zip": (b"PK\x03\x04" + b"\0" * 50, "expected the columns"),
    "web page": (b"<html>", "expected the columns"),
    "huge": (b"PatientID,suppressed\n" + b"1,0.5\n" * 50_000, "larger than"),
    "wide": (b"PatientID," + b"a," * 2000 + b"b\n", "expected the columns"),
    "quote": (b'PatientID,suppressed\n"1,0.5\n', "cannot be read as CSV"),
    "ragged": (b"PatientID,suppressed\n1,0.5,3,4\n1\n", "2 of its 2 rows"),
    "no rows": (b"PatientID,suppressed\n", "0 of its 0 rows"),
    "binary": (b"PatientID,suppressed\n\xff\xfe\x00\x01", "cannot be read as CSV"),
    "script": (b"PatientID,<script>alert(1)</script>\n", "<script>"),
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
@pytest.mark.parametrize("task", [COHORT, PREDICTION])
def test_a_hostile_file_costs_its_own_place_only(round_of, naive, kind, task):  # noqa: F811
    content, words = HOSTILE[kind]
    content = content * 20 if kind == "huge" else content
    board = round_of({f"A/{task}": content, f"B/{PREDICTION}": naive})
    said = board[task]["A"].said
    assert words in said if task == PREDICTION else said
    assert board[task]["A"].place == 0
    assert "could not be judged" not in said
    assert str(round_of.place) not in said  # no path of the organisers' machine
    assert "tmp" not in said
    assert board[PREDICTION]["B"].place == 1
    page = (round_of.place / "leaderboard.html").read_text(encoding="utf-8")
    assert "<script" not in page


@pytest.mark.skipif(os.name != "posix", reason="links and pipes")
def test_links_and_pipes_are_not_followed(round_of, naive):  # noqa: F811
    teams = round_of.place / "submissions"
    answers = round_of.place / "organisers/public_test.csv"
    for team in ("link", "pipe", "folder"):
        (teams / team).mkdir()
    (teams / "link" / PREDICTION).symlink_to(answers)
    os.mkfifo(teams / "pipe" / PREDICTION)
    (teams / "folder" / PREDICTION).mkdir()
    (teams / "outside").symlink_to(round_of.place / "organisers")
    (teams / "dangling").symlink_to(round_of.place / "nowhere")
    board = round_of({f"B/{PREDICTION}": naive})[PREDICTION]
    assert "link to another file" in board["link"].said
    assert "not an ordinary file" in board["pipe"].said
    assert board["folder"].place == 0
    assert "Not scored" in board["outside"].said
    assert "Not scored" in board["dangling"].said
    assert board["B"].place == 1


@pytest.mark.skipif(os.name != "posix", reason="such names are impossible elsewhere")
def test_names_of_teams_can_do_no_harm(round_of, naive):  # noqa: F811
    names = ["<b onload=alert(1)>", "=1+cmd|'C calc'!A1", "a\nb", "-rf", "‮evil", "x" * 200,
             "Équipe 2", "team.one"]  # fmt: skip
    board = round_of({f"{name}/{PREDICTION}": naive for name in names})[PREDICTION]
    fine = {name for name, entry in board.items() if entry.place}
    assert fine == {"Équipe 2", "team.one"}
    page = (round_of.place / "leaderboard.html").read_text(encoding="utf-8")
    assert "<b onload" not in page
    assert "&lt;b onload" in page
    assert "x" * 61 not in page
    csv = (round_of.place / "leaderboard.csv").read_text(encoding="utf-8")
    assert ",=1" not in csv
    assert len(csv.splitlines()) == 1 + len(names)
