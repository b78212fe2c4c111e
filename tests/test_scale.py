"""Tables larger than the memory: streaming gives what reading whole gives."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks import scale as benchmark
from hgteach.cli import main
from hgteach.cohorts import parts
from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.cohorts.checking import load_checked
from hgteach.cohorts.parts import read_in_parts, read_sample, write_in_parts
from hgteach.cohorts.reading import read_table
from hgteach.errors import InputError
from hgteach.evaluation.matching import match
from hgteach.preprocess import Preprocessor
from hgteach.streaming import Records, streamed
from hgteach.training import Generator, train
from hgteach.training.losses import correlation, correlations
from hgteach.training.ready import Ready
from tests.tiny_training import TINY, tiny

PATIENTS, MONTHS = 900, 60  # more rows than those on which λ is found


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A table in row groups that cut patients in two, in parts of which each has all times."""
    path = tmp_path_factory.mktemp("table") / "cohort.parquet"
    simulate_art_hiv(PATIENTS, 3).to_parquet(path, index=False, row_group_size=1999)
    return path


@pytest.fixture(scope="module")
def whole(file):
    return load_checked(file, ART_HIV)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(parts, "ROWS_AT_ONCE", 7000)
    monkeypatch.setattr(read_in_parts, "__defaults__", (7000,))


def test_parts_are_the_table_and_no_patient_is_cut(file):
    found = list(read_in_parts(file, "PatientID", 1000))
    assert len(found) > 10
    assert all(part.groupby("PatientID").size().eq(MONTHS).all() for part in found)
    pd.testing.assert_frame_equal(pd.concat(found), read_table(file))


def test_one_part_may_be_one_patient(file, tmp_path):
    read_table(file).iloc[: 5 * MONTHS].to_parquet(tmp_path / "t.parquet", index=False)
    found = list(read_in_parts(tmp_path / "t.parquet", "PatientID", 10))
    assert [len(part) for part in found] == [MONTHS] * 5


def test_fitting_part_by_part_is_fitting_the_whole_table(whole):
    cuts = np.array_split(np.arange(len(whole)), 7)
    some = (whole.iloc[rows] for rows in cuts)
    once = Preprocessor(ART_HIV).fit(whole)
    assert Preprocessor(ART_HIV).fit_parts(some, len(whole)).to_dict() == once.to_dict()
    with pytest.raises(InputError, match=r"60 rows together, not 61"):
        Preprocessor(ART_HIV).fit_parts([whole.iloc[:60]], 61)


def test_patients_on_disk_are_the_patients_in_memory(file, whole, tmp_path):
    ready = Ready.of(whole, ART_HIV)
    with streamed(file, ART_HIV, tmp_path, progress=False) as on_disk:
        assert isinstance(on_disk.x, Records) and on_disk.x.shape == ready.x.shape
        assert on_disk.preprocessor.to_dict() == ready.preprocessor.to_dict()
        assert on_disk.times == ready.times
        rows = torch.randperm(PATIENTS)[:50]
        assert torch.equal(on_disk.x[rows, :7], ready.x[rows, :7])
        assert torch.equal(torch.cat(list(on_disk.x.parts(64))), ready.x)
        lengths = [10, MONTHS]
        found = correlations(on_disk.x, lengths)
        for length in lengths:  # in double precision: float32 strays by 2e-4 for a rare level
            expected = correlation(ready.x[:, :length].double()).float()
            torch.testing.assert_close(found[length], expected, rtol=0, atol=1e-5)
        sample, numbers = on_disk.x.sample(20)[..., : len(ART_HIV.real)], ready.x.shape[1]
        assert len(sample) < 20 + 2 * len(ART_HIV.real) + 1 and sample.shape[1] == numbers
        assert sample.amin(dim=(0, 1)).eq(0).all() and sample.amax(dim=(0, 1)).eq(1).all()


@pytest.mark.parametrize("model", ["v1", "v2.5", "v3"])
def test_a_training_from_disk_is_a_training_from_memory(model, file, whole, tmp_path):
    settings = replace(tiny(model), epochs=1, batch_size=256)
    with streamed(file, ART_HIV, tmp_path, progress=False) as on_disk:
        one = train(model, on_disk, ART_HIV, settings=settings, progress=False)
    other = train(model, whole, ART_HIV, settings=settings, progress=False)
    state, expected = one.network.state_dict(), other.network.state_dict()
    for name in expected:
        torch.testing.assert_close(state[name], expected[name], rtol=1e-3, atol=1e-4)
    assert not list(tmp_path.iterdir()), "something was left on the disk"


def test_rows_of_a_patient_that_are_apart_are_refused(file, tmp_path):
    table = read_table(file).iloc[: 20 * MONTHS]
    apart = pd.concat([table.iloc[MONTHS:], table.iloc[:MONTHS]])
    apart = pd.concat([table.iloc[:30], apart.iloc[:-30]])
    apart.to_parquet(tmp_path / "apart.parquet", index=False)
    with pytest.raises(InputError, match="Sort it by 'PatientID' first"):
        list(read_in_parts(tmp_path / "apart.parquet", "PatientID", 300))


def test_a_value_that_a_later_part_gets_wrong_is_found_there(file, tmp_path):
    table = read_table(file)
    table.loc[30_001, "Gender"] = 7
    table.to_parquet(tmp_path / "wrong.parquet", index=False)
    with (
        pytest.raises(InputError, match=r"'Gender' holds an unknown value: 7 on row 30001"),
        streamed(tmp_path / "wrong.parquet", ART_HIV, tmp_path, progress=False),
    ):
        pass


def test_irregular_tables_are_not_streamed(file, tmp_path):
    with (
        pytest.raises(InputError, match="too large to be read at once"),
        streamed(file, replace(ART_HIV, irregular=True), tmp_path, progress=False),
    ):
        pass


def test_a_disk_without_room_is_told_before_anything_is_read(file, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1e6))
    with (
        pytest.raises(InputError, match=r"take 0.0 GB in .* and 0.0 GB are free"),
        streamed(file, ART_HIV, tmp_path, progress=False),
    ):
        pass


@pytest.mark.parametrize(("what", "how"), [("prepare", "streamed"), ("prepare", "whole"),
                                           ("train", "v1"), ("generate", "csv")])
def test_the_benchmark_measures(what, how, file, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "STEPS", 2)
    monkeypatch.setattr(benchmark, "COHORT", 30)
    table = read_table(file)[["PatientID", "Timestep", *benchmark.COLUMNS]]
    table.iloc[: 30 * MONTHS].to_parquet(tmp_path / "t.parquet", index=False)
    which = "30" if what == "generate" else str(tmp_path / "t.parquet")
    found = benchmark._measure(what, how, which, str(tmp_path))
    assert 0 < found["memory"] < 20 and found["seconds"] > 0


def test_the_command_streams_what_is_large_and_writes_in_parts(
    file, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(parts, "LARGE", 1000)
    monkeypatch.setattr("hgteach.training.presets.CLASSROOM", TINY)
    monkeypatch.setitem(
        __import__("hgteach.training.presets", fromlist=["PRESETS"]).PRESETS["v1"],
        "classroom", TINY,
    )
    monkeypatch.setattr("hgteach.cohorts.checking.check", _never_whole)
    out = str(tmp_path / "v1")
    arguments = ["train", "--model", "v1", "--data", str(file), "--patient", "PatientID",
                 "--time", "Timestep", "--columns", "VL,Gender", "--epochs", "1", "--out", out]
    assert main(arguments) == 0
    assert "inferred from its first" in capsys.readouterr().err
    assert main(arguments) == 2
    assert "already holds" in capsys.readouterr().err
    for suffix in ("csv", "parquet"):
        made = tmp_path / f"made.{suffix}"
        assert main(["generate", "--from", out, "--patients", "3", "--out", str(made)]) == 0
        assert read_table(made).shape == (3 * MONTHS, 4)


def _never_whole(*_, **__):
    raise AssertionError("the table was read whole")


def test_patients_made_in_parts_are_those_made_at_once(whole, tmp_path):
    generator = train(
        "v1", whole[whole["PatientID"] < 40], ART_HIV, settings=TINY, epochs=1, progress=False
    )
    assert isinstance(generator, Generator)
    once = generator.generate(520, 5)
    some = list(generator.generate_in_parts(520, 5, 500))
    assert [len(part) for part in some] == [500 * MONTHS, 20 * MONTHS]
    pd.testing.assert_frame_equal(pd.concat(some, ignore_index=True), once)
    for name in ("made.csv", "made.parquet"):
        write_in_parts(some, tmp_path / name)
        back = ART_HIV.label(read_table(tmp_path / name)).reset_index(drop=True)
        pd.testing.assert_frame_equal(back, once, check_dtype=False)


def test_parts_with_different_texts_and_gaps_fit_together(tmp_path):
    some = [
        pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["x", "y"]), "c": [None, None]}),
        pd.DataFrame({"a": pd.array([3, None], "Int64"), "b": ["z, w", None], "c": ["q", "r"]}),
    ]
    write_in_parts(some, tmp_path / "t.parquet")
    back = read_table(tmp_path / "t.parquet")
    assert back["b"].astype(object).tolist()[:3] == ["x", "y", "z, w"]
    assert back["c"].isna().tolist() == [True, True, False, False]
    write_in_parts(some, tmp_path / "t.csv", blank="NA")
    assert (tmp_path / "t.csv").read_text() == 'a,b,c\n1,x,NA\n2,y,NA\n3,"z, w",q\nNA,NA,r\n'


def test_a_sample_is_what_would_have_been_drawn_of_the_whole_table(file, monkeypatch):
    schema = ART_HIV.select(["VL", "Gender"])
    some, total = read_sample(file, "PatientID", 40, np.random.default_rng(0))
    assert total == PATIENTS and len(some) == 40 * MONTHS
    whole = match(file, file, schema=schema, most=50)
    monkeypatch.setattr(parts, "LARGE", 1000)
    monkeypatch.setattr("hgteach.evaluation.matching.read_table", _never_whole)
    sampled = match(file, file, schema=schema, most=50)
    np.testing.assert_array_equal(sampled.real["VL"], whole.real["VL"])
    np.testing.assert_array_equal(sampled.synthetic["VL"], whole.synthetic["VL"])
    assert sampled.notes == whole.notes and sampled.sources == whole.sources
