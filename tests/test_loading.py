"""The ART-for-HIV table: its schema, the stand-in, and writing and reading tables back."""

import numpy as np
import pandas as pd
import pytest
from cohort_tables import published_layout, trial

import hgteach
from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES, load_art_hiv
from hgteach.cohorts.art_hiv_simulator import simulate_art_hiv
from hgteach.cohorts.reading import read_table, write_table
from hgteach.errors import InputError


def test_the_schema_has_the_published_columns_in_order():
    assert ART_HIV.names == [
        "VL", "CD4", "Rel CD4", "Gender", "Ethnic", "Base Drug Combo", "Comp. INI",
        "Comp. NNRTI", "Extra PI", "Extra pk-En", "VL (M)", "CD4 (M)", "Drug (M)",
    ]  # fmt: skip
    assert ART_HIV.static == ["Gender", "Ethnic"]
    assert ART_HIV["Ethnic"].codes == (1, 2, 3, 4)
    assert ART_HIV["Extra PI"].codes == (0, 1, 2, 3, 4, 5)
    assert ART_HIV["VL"].axis_label == "VL [copies/mL]"
    assert ART_HIV.select(EXAMPLE_VARIABLES).width == 22


def test_without_the_file_the_table_is_the_stand_in(tmp_path, monkeypatch):
    monkeypatch.setenv("HGTEACH_DATA", str(tmp_path))
    table = hgteach.load_art_hiv(20)
    assert "imulated stand-in" in table.attrs["provenance"]
    assert table.shape == (1200, 15)
    pd.testing.assert_frame_equal(table, ART_HIV.label(simulate_art_hiv(20)))


@pytest.mark.parametrize("patients", [0, -3, 8917])
def test_a_number_of_patients_that_there_is_not(patients):
    with pytest.raises(InputError, match="1 to 8,916 patients"):
        load_art_hiv(patients)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("make", [published_layout, trial])
def test_a_written_table_reads_back_the_same(make, suffix, tmp_path):
    table = make()
    write_table(table, tmp_path / f"t.{suffix}")
    back = read_table(tmp_path / f"t.{suffix}")
    assert list(back.columns) == list(table.columns)
    for name in table:
        assert back[name].astype(object).tolist() == table[name].astype(object).tolist()


def test_csv_is_plain_and_quotes_only_where_it_must(tmp_path):
    table = pd.DataFrame({"who, really": [1, 1], "t": [0, 1], "x": [0.1, 2e-7], "y": ["a", "b"]})
    write_table(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == '"who, really",t,x,y\n1,0,0.1,a\n1,1,2e-7,b\n'
    table["y"] = ["a, b", 'c "d"']
    write_table(table, tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv")["y"].tolist() == ["a, b", 'c "d"']


def test_floats_survive_csv_exactly(tmp_path):
    random = np.random.default_rng(0)
    x = random.lognormal(0, 20, 500)
    table = pd.DataFrame({"id": np.arange(500), "t": 0, "x": x})
    write_table(table, tmp_path / "t.csv")
    np.testing.assert_array_equal(read_table(tmp_path / "t.csv")["x"], x)


def test_writing_refuses_what_it_cannot_do_and_keeps_the_old_file(tmp_path):
    with pytest.raises(InputError, match=r"\.csv or \.parquet"):
        write_table(trial(), tmp_path / "t.xlsx")
    with pytest.raises(InputError, match="does not exist"):
        write_table(trial(), tmp_path / "none" / "t.csv")
    (tmp_path / "t.csv").write_text("old")
    with pytest.raises(Exception):  # noqa: B017 - whatever Arrow says of a column of objects
        write_table(pd.DataFrame({"a": [1], "b": [0], "c": [object()]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_columns_of_lists_are_refused(tmp_path):
    table = pd.DataFrame({"id": [1, 1], "t": [0, 1], "x": [[1], [2, 3]]})
    table.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="'x' holds lists"):
        read_table(tmp_path / "t.parquet")
