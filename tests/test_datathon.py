"""A datathon from its first file to its last board, with honest teams and with hostile ones."""

import json
import os
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgteach import datathon
from hgteach.cli import main
from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.cohorts.reading import read_table, write_table
from hgteach.datathon import organising, rounds
from hgteach.datathon.rules import COHORT, COHORT_SCHEMA, PREDICTION, Rules
from hgteach.errors import InputError

DAY = date(2030, 5, 4)
COLUMNS = ["PatientID", "Timestep", *COHORT_SCHEMA.names]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("datathon")
    secret = place / "secret.json"  # fixed: with so few patients chance may break a limit
    secret.write_text(json.dumps({"secret": "always the same patients, so no test is a lottery"}))
    return datathon.init(place / "ours", 240, secret=secret)


@pytest.fixture
def round_of(folder, tmp_path):
    """Return a function that scores files of teams in a fresh copy of the datathon."""
    place = tmp_path / "copy"
    shutil.copytree(folder, place)

    def run(files=None, **options):
        for name, content in (files or {}).items():
            path = place / "submissions" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pd.DataFrame):
                content.to_csv(path, index=False)
            else:
                path.write_bytes(content)
        board = datathon.score(place, today=options.pop("today", DAY), **options)
        return {task: {entry.team: entry for entry in found} for task, found in board.items()}

    run.place = place
    return run


@pytest.fixture(scope="module")
def data(folder):
    """Training and test as teams get them."""
    place = folder / "participants/data"
    return tuple(read_table(place / f"{name}.csv") for name in ("training", "test"))


@pytest.fixture(scope="module")
def naive(data):
    """Whoever is suppressed now stays so: a sound prediction."""
    last = data[1][data[1]["Timestep"] == 23]
    chance = 1 / (1 + last["VL"] / 1000)
    table = pd.DataFrame({"PatientID": last["PatientID"], "suppressed": chance})
    return table.reset_index(drop=True)


@pytest.fixture(scope="module")
def fresh():
    """Forty patients who are nobody's copy, numbered from 0."""
    return simulate_art_hiv(40, seed=987)[COLUMNS]


@pytest.fixture(scope="module")
def stolen(data):
    """Forty training patients under new numbers."""
    rows = data[0][COLUMNS].iloc[: 40 * 60].reset_index(drop=True)
    return rows.assign(PatientID=np.arange(40).repeat(60))


def test_what_is_given_out_keeps_the_answers_back(folder, data):
    training, test = data
    rules = Rules.load(folder / "participants")
    held = {p: read_table(folder / "organisers" / f"{p}_test.csv") for p in ("public", "private")}
    people = {"training": set(training["PatientID"])}
    people |= {part: set(table["PatientID"]) for part, table in held.items()}
    assert [len(p) for p in people.values()] == [80, 80, 80]
    assert len(set.union(*people.values())) == 240
    assert set(test["PatientID"]) == people["public"] | people["private"]
    assert test["Timestep"].max() == rules.known - 1 == 23
    assert test["PatientID"].is_monotonic_increasing  # the order must not tell who is private
    given = b"".join(p.read_bytes() for p in (folder / "participants").rglob("*") if p.is_file())
    secret = json.loads((folder / "organisers/secret.json").read_text())["secret"]
    assert secret.encode() not in given
    assert "simulated stand-in" in (folder / "participants/BRIEF.md").read_text().lower()
    if os.name == "posix":
        assert (folder / "organisers").stat().st_mode & 0o077 == 0


def test_the_seed_of_the_simulator_is_given_to_nobody(tmp_path, monkeypatch):
    seeds, real = [], organising.simulate_art_hiv
    monkeypatch.setattr(
        organising, "simulate_art_hiv", lambda n, seed: seeds.append(seed) or real(n, seed)
    )
    place = datathon.init(tmp_path / "ours", 240) / "participants"
    assert seeds[0] > 2**200  # too many to try
    given = "".join(p.read_text(encoding="utf-8") for p in place.rglob("*") if p.is_file())
    assert str(seeds[0]) not in given
    assert f"{seeds[0]:x}" not in given.lower()


def test_a_seed_alone_makes_other_patients_and_a_secret_makes_the_same(folder, tmp_path):
    def files(place):
        return {p.relative_to(place): p.read_bytes() for p in place.rglob("*") if p.is_file()}

    secret = folder / "organisers/secret.json"
    again = datathon.init(tmp_path / "again", 240, secret=secret)
    assert files(again) == files(folder)
    for place, options in (("seed", {"seed": 1, "secret": secret}), ("blind", {"seed": 0})):
        other = datathon.init(tmp_path / place, 240, **options)
        known, theirs = (read_table(f / "participants/data/training.csv") for f in (folder, other))
        assert np.isin(known["VL"], theirs["VL"]).mean() < 0.5
        assert set(known["PatientID"]) != set(theirs["PatientID"])
    drawn = json.loads((other / "organisers/secret.json").read_text())["secret"]
    assert len(drawn) == 64
    assert drawn != json.loads(secret.read_text())["secret"]


def test_init_touches_nothing_that_is_there(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["datathon", "init", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(InputError, match="240 to"):
        datathon.init(tmp_path / "small", 100)
    with pytest.raises(InputError, match="not fetched"):
        datathon.init(tmp_path / "published", 240, published=True)
    with pytest.raises(InputError, match=r"secret\.json"):
        datathon.init(tmp_path / "secret", 240, secret=tmp_path / "notes.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_the_baseline_notebook_runs_as_it_is_handed_out(folder, tmp_path, monkeypatch, capsys):
    place = tmp_path / "participants"
    shutil.copytree(folder / "participants", place)
    monkeypatch.chdir(place)
    notebook = json.loads(Path("baseline.ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    names = {}
    for cell in code:
        exec("".join(cell["source"]), names)
    assert len(names["prediction"]) == 160
    said = capsys.readouterr().out
    assert "sound prediction for 160 patients" in said
    assert "sound cohort of 40 patients" in said
    assert main(["datathon", "check", PREDICTION, COHORT]) == 0
    Path(PREDICTION).write_text("PatientID,suppressed\n1,2\n")
    assert main(["datathon", "check", PREDICTION, COHORT]) == 2
    said = capsys.readouterr()
    assert "sound cohort" in said.out  # a wrong file does not hide the next
    assert "160 test patients are missing" in said.err


def test_a_day_with_honest_teams(round_of, naive, fresh):
    random = np.random.default_rng(0)
    near = naive.assign(suppressed=naive["suppressed"].clip(0.02, 0.98) + 0.001)
    noisy = naive.assign(suppressed=random.random(len(naive)))
    board = round_of({
        f"Good/{PREDICTION}": naive, f"Like Good/{PREDICTION}": near,
        f"Dice/{PREDICTION}": noisy, f"Constant/{PREDICTION}": naive.assign(suppressed=0.5),
        f"Good/{COHORT}": fresh,
    })  # fmt: skip
    found = board[PREDICTION]
    assert found["Good"].score > 0.75
    assert round(found["Good"].score, 2) == found["Good"].score  # coarse on the day
    assert found["Good"].low <= found["Good"].score <= found["Good"].high
    assert found["Good"].tied
    assert found["Like Good"].tied
    assert found["Like Good"].best == 1
    assert found["Good"].worst >= 2
    assert not found["Dice"].tied
    assert found["Constant"].score == 0.5
    assert found["Constant"].place > 2
    assert found["Constant"].worst > 2
    assert board[COHORT]["Good"].place == 1
    assert board[COHORT]["Good"].score > 70
    final = round_of(final=True)
    assert final[PREDICTION]["Good"].score != found["Good"].score
    csv = pd.read_csv(round_of.place / "leaderboard-final.csv")
    assert len(csv) == 5
    assert "leaderboard.html" in {p.name for p in round_of.place.iterdir()}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: p.iloc[1:], "1 test patients are missing"),
        (lambda p: pd.concat([p, p.iloc[:3]]), "3 rows repeat a patient"),
        (lambda p: p.assign(PatientID=range(160)), "160 rows name nobody"),
        (lambda p: p.assign(suppressed=p["suppressed"].mask(p.index < 2)), "2 values"),
        (lambda p: p.assign(suppressed=np.inf), "160 values of suppressed are empty or no number"),
        (lambda p: p.assign(suppressed=p["suppressed"] + 1), "outside 0 to 1"),
        (lambda p: p.assign(suppressed="yes"), "no number"),
        (lambda p: p.assign(VL=1), "expected the columns PatientID and suppressed"),
        (lambda p: p.rename(columns={"suppressed": "p"}), "expected the columns"),
    ],
)
def test_a_wrong_prediction_is_told_why(round_of, naive, spoil, words):
    board = round_of({f"A/{PREDICTION}": spoil(naive), f"B/{PREDICTION}": naive})[PREDICTION]
    assert words in board["A"].said
    assert board["A"].place == 0
    assert board["B"].place == 1


def test_order_and_spelling_of_a_prediction_do_not_matter(round_of, naive):
    mixed = naive.sample(frac=1, random_state=0)[["suppressed", "PatientID"]]
    text = "\ufeff" + mixed.astype({"PatientID": float}).to_csv(index=False)
    board = round_of({f"A/{PREDICTION}": text.encode(), f"B/{PREDICTION}": naive})[PREDICTION]
    assert board["A"].score == board["B"].score
    assert board["A"].place == board["B"].place == 1


def test_copied_labels_are_too_good(round_of, naive):
    table = pd.concat(
        read_table(round_of.place / "organisers" / f"{part}_test.csv")
        for part in ("public", "private")
    )
    then = table[table["Timestep"] == 29].set_index("PatientID")["VL"] < 1000
    labels = naive.assign(suppressed=then.loc[naive["PatientID"]].to_numpy().astype(float))
    board = round_of({f"A/{PREDICTION}": labels, f"B/{PREDICTION}": naive})[PREDICTION]
    assert "labels seem to be copied" in board["A"].said
    assert board["A"].place == 0
    assert board["B"].place == 1


def test_a_team_cannot_probe_the_board(round_of, naive):
    scores = []
    for attempt in range(7):
        flipped = naive["suppressed"].mask(naive.index < 20 * attempt, 0.5)
        board = round_of({f"A/{PREDICTION}": naive.assign(suppressed=flipped)})[PREDICTION]
        scores.append(board["A"])
    assert scores[4].said == ""
    assert "attempts" in scores[5].said or "used up" in scores[5].said
    assert scores[5].score == scores[6].score == scores[4].score
    assert round_of()[PREDICTION]["A"].score == scores[4].score  # the same file costs nothing
    assert round_of(today=date(2030, 5, 5))[PREDICTION]["A"].said == ""
    broken = {f"B/{PREDICTION}": naive.iloc[1:]}
    for _ in range(6):  # a file that is not scored tells nothing, so it is free
        round_of(broken)
    assert round_of({f"B/{PREDICTION}": naive})[PREDICTION]["B"].place > 0
    assert "same file" not in round_of()[PREDICTION]["B"].said
    found = round_of({f"C/{PREDICTION}": naive})[PREDICTION]
    assert "same file as that of B" in found["C"].said


def test_an_interrupt_keeps_what_is_finished(round_of, naive, monkeypatch):
    files = {f"{team}/{PREDICTION}": naive.assign(suppressed=naive["suppressed"] * factor)
             for team, factor in (("A", 1), ("B", 0.9))}  # fmt: skip
    real, seen = rounds.score_prediction, []

    def once(*arguments):
        if seen:
            raise KeyboardInterrupt
        seen.append(1)
        return real(*arguments)

    monkeypatch.setattr(rounds, "score_prediction", once)
    with pytest.raises(KeyboardInterrupt):
        round_of(files)
    assert not (round_of.place / "leaderboard.html").exists()
    monkeypatch.setattr(rounds, "score_prediction", lambda *a: seen.append(1) or real(*a))
    assert round_of()[PREDICTION]["B"].place == 1
    assert len(seen) == 2  # A was not judged again
    assert not [p for p in round_of.place.rglob(".*") if p.is_file()]


def test_a_judge_that_breaks_costs_one_place(round_of, naive, fresh, monkeypatch):
    def breaks(*_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(rounds, "score_cohort", breaks)
    board = round_of({f"A/{COHORT}": fresh, f"A/{PREDICTION}": naive})
    assert "could not be judged (ZeroDivisionError)" in board[COHORT]["A"].said
    assert board[PREDICTION]["A"].place == 1


def test_the_register_keeps_strangers_out(round_of, naive):
    (round_of.place / "organisers/teams.txt").write_text("A\n")
    board = round_of({f"A/{PREDICTION}": naive, f"A2/{PREDICTION}": naive})[PREDICTION]
    assert board["A"].place == 1
    assert board["A"].said == ""
    assert "Not scored" in board["A2"].said


def test_score_and_check_refuse_other_folders(tmp_path):
    for call in (lambda: datathon.score(tmp_path), lambda: datathon.check("x.csv", tmp_path)):
        with pytest.raises(InputError, match=r"rules\.json"):
            call()


def test_labels_pass_as_well_as_codes(folder, tmp_path, fresh):
    write_table(ART_HIV.select(list(COHORT_SCHEMA.names)).label(fresh), tmp_path / "labels.csv")
    assert "sound cohort" in datathon.check(tmp_path / "labels.csv", folder / "participants")
