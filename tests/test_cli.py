"""The command line: its answers, its exit statuses, and that it waits for nothing it can spare."""

import subprocess
import sys

import pandas as pd
import pytest
from cohort_tables import published_layout, trial

import hgteach
from hgteach import cli
from hgteach.cli import main
from hgteach.cohorts.reading import read_table, write_table
from hgteach.schema import Schema

COMMANDS = ["data list", "data fetch", "data simulate", "data check", "train", "generate",
            "evaluate"]


@pytest.fixture(autouse=True)
def empty_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HGTEACH_DATA", str(tmp_path / "data"))


@pytest.fixture
def trial_csv(tmp_path):
    write_table(trial(), tmp_path / "trial.csv")
    return tmp_path / "trial.csv"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example_that_parses(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    example = text.split("Example: hgteach ")[1]
    assert example.startswith(command)
    assert callable(cli._parser().parse_args(example.split()).run)


@pytest.mark.parametrize(
    "wrong",
    [
        "", "data", "fly", "data simulate mars --out x.csv", "data simulate art-hiv",
        "data simulate art-hiv --patients 0 --out x.csv",
        "data simulate art-hiv --patients -4 --out x.csv",
        "data simulate art-hiv --patients many --out x.csv",
        "data simulate art-hiv --seed -1 --out x.csv",
        "train --model v9 --data t.csv --out d", "train --model v1 --data t.csv",
        "train --model v1 --data t.csv --out d --epochs 0", "generate --from d --out x.csv",
    ],
)  # fmt: skip
def test_a_wrong_command_leaves_with_status_2(wrong, capsys):
    with pytest.raises(SystemExit) as stop:
        main(wrong.split())
    assert stop.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["--help"], ["data", "check", "t.csv", "--schema", "art-hiv"],
                                     ["data", "list"]])
def test_quick_commands_import_nothing_heavy(command, tmp_path):
    write_table(published_layout(), tmp_path / "t.csv")
    program = (
        "import sys\nfrom hgteach.cli import main\n"
        f"try: main({command!r})\nexcept SystemExit: pass\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'matplotlib', 'requests'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True,
                         text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_module_runs_as_the_command_does():
    run = subprocess.run([sys.executable, "-m", "hgteach", "--version"], capture_output=True,
                         text=True, check=False)
    assert run.stdout == f"hgteach {hgteach.__version__}\n"
    run = subprocess.run([sys.executable, "-m", "hgteach", "data", "check", "none.csv", "--schema",
                          "art-hiv"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "There is no file none.csv. Check the name and the folder.\n"


def test_list_says_stand_in_until_the_file_was_fetched(capsys, monkeypatch, tmp_path):
    assert main(["data", "list"]) == 0
    assert "simulated stand-in" in capsys.readouterr().out
    monkeypatch.setenv("HGTEACH_DATA", str(tmp_path))
    from hgteach.cohorts.download import ART_HIV_FILE

    write_table(published_layout(), tmp_path / ART_HIV_FILE)
    assert main(["data", "list"]) == 0
    printed = capsys.readouterr().out
    assert "stand-in" not in printed[: printed.index("sepsis")]


def test_simulate_writes_a_table_that_passes_the_check(tmp_path, capsys):
    out = str(tmp_path / "s.csv")
    for seed in ("1", "1"):
        assert main(["data", "simulate", "art-hiv", "--patients", "8", "--seed", seed,
                     "--out", out]) == 0
        assert "imulated stand-in" in capsys.readouterr().out
    first = (tmp_path / "s.csv").read_bytes()
    assert main(["data", "simulate", "art-hiv", "--patients", "8", "--seed", "1",
                 "--out", str(tmp_path / "t.csv")]) == 0
    assert (tmp_path / "t.csv").read_bytes() == first
    assert main(["data", "check", out, "--schema", "art-hiv"]) == 0
    assert "480 rows: 8 patients" in capsys.readouterr().out
    assert main(["data", "simulate", "art-hiv", "--out", str(tmp_path / "s.txt")]) == 2


def test_check_describes_and_doubts_an_inferred_schema(trial_csv, capsys):
    arguments = ["data", "check", str(trial_csv), "--patient", "person", "--time", "visit"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "48 rows: 12 patients (person), 4 visits each (visit 1 to 4)" in said
    lines = {line.split()[0]: " ".join(line.split()) for line in said.splitlines() if line}
    assert lines["arm"] == "arm binary static drug, placebo"
    assert lines["age"].startswith("age real, whole static")
    assert "'centre' was taken as two codes, 1 and 2" in said
    assert "static: 'arm', 'centre', 'age'" in said


def test_check_doubts_what_looks_odd(tmp_path, capsys):
    table = trial()
    table["same"] = "x"
    table["stage"] = [i % 4 for i in range(len(table))]
    table["status"] = ["improved", "unchanged", "improoved", "unchanged"] * 12
    write_table(table, tmp_path / "t.csv")
    assert main(["data", "check", str(tmp_path / "t.csv"), "--patient", "person",
                 "--time", "visit"]) == 0
    said = capsys.readouterr().out
    assert "'same' has one value only" in said
    assert "'stage' has 4 whole numbers" in said
    assert "'improoved'" in said and "Is one a slip?" in said


def test_check_with_a_schema_file(trial_csv, tmp_path, capsys):
    Schema.infer(trial(), patient="person", time="visit", name="mine").to_toml(tmp_path / "s.toml")
    assert main(["data", "check", str(trial_csv), "--schema", str(tmp_path / "s.toml")]) == 0
    said = capsys.readouterr().out
    assert "schema 'mine'" in said and "inferred" not in said


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "with COL from: visit, arm"),
        (["--patient", "person"], "--patient COL"),
        (["--schema", "art-hiv", "--time", "visit"], "not both"),
        (["--schema", "art-hvi"], "There is no schema 'art-hvi'"),
        (["--schema", "none.toml"], "no schema file none.toml"),
        (["--patient", "persn", "--time", "visit"], "'persn' is missing, but there is 'person'"),
    ],
)
def test_check_says_what_is_unclear(options, complaint, trial_csv, capsys):
    assert main(["data", "check", str(trial_csv), *options]) == 2
    assert complaint in capsys.readouterr().err


def test_an_interrupt_and_a_full_disk_are_one_sentence(monkeypatch, trial_csv, capsys):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "x.csv")

    arguments = ["data", "simulate", "art-hiv", "--out", str(trial_csv)]
    before = trial_csv.read_bytes()
    monkeypatch.setattr("hgteach.cohorts.art_hiv_simulator.simulate_art_hiv", interrupt)
    assert main(arguments) == 130
    assert "Stopped." in capsys.readouterr().err
    monkeypatch.setattr("hgteach.cohorts.art_hiv_simulator.simulate_art_hiv", full)
    assert main(arguments) == 2
    assert "No space left on device (x.csv)." in capsys.readouterr().err
    assert trial_csv.read_bytes() == before


def train(data, out, *options: str) -> int:
    return main(["train", "--model", "v1", "--data", str(data), "--out", str(out),
                 "--epochs", "1", *options])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_train_and_generate_keep_the_layout_of_a_trial(trial_csv, tmp_path, suffix):
    assert train(trial_csv, tmp_path / "v1", "--patient", "person", "--time", "visit") == 0
    out = tmp_path / f"s.{suffix}"
    assert main(["generate", "--from", str(tmp_path / "v1"), "--patients", "7",
                 "--out", str(out)]) == 0
    made, real = read_table(out), trial()
    assert list(made.columns) == list(real.columns)
    assert made["visit"].tolist() == [1, 2, 3, 4] * 7
    assert set(made["arm"]) <= {"drug", "placebo"} and set(made["centre"]) <= {1, 2}
    for name in ("age", "seizures", "centre"):
        assert pd.api.types.is_integer_dtype(made[name]), name
    assert pd.api.types.is_float_dtype(made["weight"])


def test_train_and_generate_keep_the_codes_of_the_published_layout(tmp_path, capsys):
    write_table(published_layout(12, 6), tmp_path / "t.csv")
    assert train(tmp_path / "t.csv", tmp_path / "v1", "--schema", "art-hiv") == 0
    assert "hgteach generate --from" in capsys.readouterr().out
    for name in ("a.csv", "b.csv"):
        assert main(["generate", "--from", str(tmp_path / "v1"), "--patients", "5", "--seed", "3",
                     "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    made = read_table(tmp_path / "a.csv")
    assert list(made.columns) == list(published_layout().columns)
    assert made["Ethnic"].isin([1, 2, 3, 4]).all() and made["Extra PI"].isin(range(6)).all()


def test_train_learns_only_the_columns_that_are_asked_for(tmp_path, capsys):
    write_table(published_layout(12, 6), tmp_path / "t.csv")
    options = ("--schema", "art-hiv", "--columns")
    assert train(tmp_path / "t.csv", tmp_path / "v1", *options, "VL, Gender,Extra PI") == 0
    assert main(["generate", "--from", str(tmp_path / "v1"), "--patients", "3",
                 "--out", str(tmp_path / "s.csv")]) == 0
    made = read_table(tmp_path / "s.csv")
    assert set(made) == {"VL", "Gender", "Extra PI", "PatientID", "Timestep"}
    assert train(tmp_path / "t.csv", tmp_path / "v0", *options, "VL,Sex") == 2
    assert "no column 'Sex'" in capsys.readouterr().err


def test_train_and_generate_refuse_before_they_work(trial_csv, tmp_path, capsys):
    schema = ("--patient", "person", "--time", "visit")
    (tmp_path / "file").write_text("")
    assert train(trial_csv, tmp_path / "file", *schema) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
    write_table(pd.concat([trial(), trial()[3:4]]), tmp_path / "twice.csv")
    assert train(tmp_path / "twice.csv", tmp_path / "v1", *schema) == 2
    assert "patient P00 has 'visit' 4 on line 5 and again" in capsys.readouterr().err
    assert not (tmp_path / "v1").exists()
    assert main(["generate", "--from", str(tmp_path / "none"), "--patients", "3",
                 "--out", str(tmp_path / "s.csv")]) == 2
    assert "no generator.safetensors" in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()


def test_train_refuses_a_file_as_its_folder(tmp_path, capsys):
    data, taken = tmp_path / "cohort.csv", tmp_path / "taken"
    taken.write_text("kept")
    assert main(f"data simulate art-hiv --patients 20 --out {data}".split()) == 0
    command = f"train --model v1 --data {data} --schema art-hiv --epochs 1 --out {taken}"
    assert main(command.split()) == 2
    assert "a file has this name, choose another" in capsys.readouterr().err
    assert taken.read_text() == "kept"


def test_the_real_table_is_not_replaced_by_a_synthetic_one(trial_csv, tmp_path, capsys):
    before = trial_csv.read_bytes()
    assert train(trial_csv, tmp_path / "g", "--patient", "person", "--time", "visit") == 0
    it = ["generate", "--from", str(tmp_path / "g"), "--patients", "3", "--out"]
    assert main([*it, str(trial_csv)]) == 2
    assert "has the name of the real table" in capsys.readouterr().err
    assert trial_csv.read_bytes() == before
    assert main([*it, str(tmp_path / "other.csv"), "--seed", str(2**64)]) == 2
    assert "2^64" in capsys.readouterr().err


def test_a_closed_output_is_no_crash(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    assert main(["data", "list"]) == 0
