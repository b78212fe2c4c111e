"""``hgteach evaluate``: what it writes, what it refuses, and that it leaves nothing half-done."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from cohort_tables import published_layout, trial

from benchmarks.evaluation import evaluation
from hgteach.cli import main
from hgteach.cohorts.reading import write_table
from hgteach.evaluation import judging
from hgteach.evaluation.measure import Measure
from hgteach.figures import summary
from hgteach.schema import Schema

INPUTS = {"real.csv", "made.csv"}


def mean_weight(task):
    return abs(task.real["weight"].mean() - task.synthetic["weight"].mean())


@pytest.fixture
def quick(monkeypatch):
    """Take one measure and draw one picture, so that the command's own work is what is tested."""
    one = Measure("mean weight", "realism", "How far.", 0.0, 99.0, 0.0, "this test", mean_weight)
    monkeypatch.setattr(judging, "all_measures", lambda: (one,))
    monkeypatch.setattr(summary, "SHOWN", summary.SHOWN[:1])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    real, random = trial(), np.random.default_rng(2)
    write_table(real, tmp_path / "real.csv")
    write_table(real.assign(weight=random.normal(80, 9, len(real))), tmp_path / "made.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluate(*more, keys=("--patient", "person", "--time", "visit"), out="report.html"):
    arguments = ["evaluate", "--real", "real.csv", "--synthetic", "made.csv", "--out", out]
    return main([*arguments, *keys, *more])


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_it_writes_the_page_and_the_scores(folder, quick, capsys):
    assert evaluate("--json", "scores.json", "--holdout", "made.csv", "--seed", "3") == 0
    assert files(folder) == INPUTS | {"report.html", "scores.json"}
    content = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert content["seed"] == 3
    assert content["scores"][0]["score"] > 1
    assert content["tables"]["real"]["source"] == "the file real.csv"
    assert "the file made.csv" in (folder / "report.html").read_text(encoding="utf-8")
    out = capsys.readouterr().out
    assert "realism: 1 of 1 measures near the floor." in out
    assert "Written: report.html and scores.json" in out
    assert all(note in out for note in content["notes"])


def test_a_schema_file_and_the_built_in_schema_are_understood(folder, quick):
    Schema.infer(trial(), patient="person", time="visit").to_toml(folder / "trial.toml")
    assert evaluate(keys=("--schema", "trial.toml")) == 0
    write_table(published_layout(), folder / "real.csv")
    write_table(published_layout(seed=1), folder / "made.csv")
    assert evaluate(keys=("--schema", "art-hiv")) == 0
    assert evaluate(keys=()) == 0


@pytest.mark.parametrize(
    ("more", "keys", "message"),
    [
        ((), (), "Say which column tells patients apart"),
        ((), ("--patient", "person"), "Say which column tells patients apart"),
        ((), ("--schema", "art-hiv", "--time", "visit"), "not both"),
        ((), ("--schema", "none.toml"), "no schema file none.toml"),
        ((), ("--schema", "art-hiv"), "no column 'PatientID'"),
        (("--json", "./report.html"), (), "is named twice"),
        (("--holdout", "./report.html"), (), "report.html is named twice"),
        (("--json", "real.csv"), (), "real.csv is named twice"),
        (("--json", "none/scores.json"), (), "folder none does not exist"),
        (("--holdout", "none.csv"), ("--patient", "person", "--time", "visit"), "no file none.csv"),
    ],
)
def test_wrong_input_is_one_sentence_and_leaves_no_file(more, keys, message, folder, quick, capsys):
    before = (folder / "real.csv").read_bytes()
    assert evaluate(*more, keys=keys) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert files(folder) == INPUTS
    assert (folder / "real.csv").read_bytes() == before


def test_tables_with_nothing_in_common_are_refused(folder, quick, capsys):
    made = trial()[["person", "visit"]].assign(other=1.5)
    write_table(made, folder / "made.csv")
    assert evaluate() == 2
    assert "no column in common" in capsys.readouterr().err
    assert files(folder) == INPUTS


def test_an_interrupt_leaves_the_old_report(folder, quick, monkeypatch, capsys):
    (folder / "report.html").write_text("old", encoding="utf-8")

    def interrupted(measure, task):
        raise KeyboardInterrupt

    monkeypatch.setattr(judging, "_take", interrupted)
    assert evaluate("--json", "scores.json") == 130
    assert "No file was left half-written" in capsys.readouterr().err
    assert files(folder) == INPUTS | {"report.html"}
    assert (folder / "report.html").read_text(encoding="utf-8") == "old"


def test_a_failing_page_leaves_no_scores_either(folder, quick, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hgteach.evaluation.report.page", full)
    assert evaluate("--json", "scores.json") == 2
    assert "No space left" in capsys.readouterr().err
    assert files(folder) == INPUTS


def test_the_schema_is_checked_before_anything_heavy_is_imported(folder):
    program = (
        "import sys\nfrom hgteach.cli import main\n"
        "status = main(['evaluate', '--real', 'a.csv', '--synthetic', 'b.csv', '--out', 'r.html',"
        " '--schema', 'none.toml'])\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'status {status}, imported {heavy}' if heavy or status != 2 else 0)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True,
                         text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_benchmark_runs_the_whole_command_in_a_process_of_its_own():
    (line,) = evaluation((12,))
    assert line.lstrip().startswith("12 patients: ")
    seconds, processor, memory = (float(n) for n in re.findall(r"([\d.]+) (?:s|GB)", line))
    assert processor > 0
    assert seconds > 0
    assert 0.05 < memory < 4
