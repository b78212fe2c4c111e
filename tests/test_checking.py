"""Every way in which a table can be wrong has its sentence, its line and exit status 2."""

import gzip
import io
import os
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from cohort_tables import published_layout, trial

from hgteach.cli import main
from hgteach.cohorts.art_hiv import ART_HIV
from hgteach.cohorts.checking import check, infer_schema, load_checked
from hgteach.cohorts.reading import read_table
from hgteach.errors import InputError

TABLE = published_layout()  # patients 0 to 3, months 0 to 5; row r is on line r + 2


def changed(column: str, row: int, value: object) -> pd.DataFrame:
    table = TABLE.astype({column: object})
    table.loc[row, column] = value
    return table


WRONG_TABLES = {
    "missing column": (TABLE.drop(columns="CD4"), ["Column 'CD4' is missing."]),
    "renamed column": (
        TABLE.rename(columns={"Comp. NNRTI": "comp NNRTI"}),
        ["'Comp. NNRTI' is missing, but there is 'comp NNRTI'"],
    ),
    "extra column": (TABLE.assign(note=1), ["has no column 'note'"]),
    "no heading": (TABLE.set_index(TABLE["VL"]).rename_axis("").reset_index(),
                   ["no heading for column 1"]),
    "unknown code": (changed("Extra PI", 3, 9), ["'Extra PI'", "9 on line 5", "5 (Not Applied)"]),
    "label among codes": (changed("Gender", 3, "Male"), ["'Gender'", "'Male' on line 5"]),
    "text in a number": (changed("VL", 5, "n.d."), ["'VL' holds text", "'n.d.' on line 7"]),
    "missing number": (changed("VL", 5, None), ["'VL' is empty", "line 7"]),
    "missing code": (changed("Gender", 5, None), ["'Gender' is empty", "line 7"]),
    "negative": (changed("CD4", 7, -3.5), ["'CD4' is below", "-3.5 on line 9"]),
    "infinite": (changed("CD4", 7, np.inf), ["'CD4' is infinite", "line 9"]),
    "two rows a month": (
        changed("Timestep", 8, 1),
        ["occurs twice", "patient 1 has 'Timestep' 1 on line 9 and again on line 10"],
    ),
    "gap": (TABLE.drop(index=9), ["patient 1 has no 'Timestep' 3;"]),
    "ragged": (TABLE.iloc[:-3], ["patient 3 has no 'Timestep' 3 to 5", "last row is on line 22"]),
    "very ragged": (TABLE.drop(index=[3, 8, 9]), ["do not share", "4 to 6 rows", "patient 1 the"]),
    "odd month": (changed("Timestep", 8, 77), ["time that most", "77 on line 10"]),
    "half month": (changed("Timestep", 8, 2.5), ["'Timestep' is not a whole number", "line 10"]),
    "dates": (
        TABLE.assign(Timestep="2020-01-0" + (TABLE["Timestep"] + 1).astype(str)),
        ["'Timestep' holds text", "'2020-01-01' on line 2", "Number the visits"],
    ),
    "uneven": (TABLE[TABLE["Timestep"] != 2], ["not evenly spaced", "0, 1, 3, 4"]),
    "one visit": (TABLE[TABLE["Timestep"] == 0], ["one visit only"]),
    "nobody": (changed("PatientID", 2, None), ["'PatientID' is empty", "line 4"]),
    "demographic changes": (
        changed("Gender", 8, 3 - TABLE["Gender"][8]),
        ["'Gender' must not change", f"patient 1 has {TABLE['Gender'][6]} on line 8", "line 10"],
    ),
    "no rows": (TABLE.iloc[:0], ["headings but no rows"]),
}


def refusal(path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["data", "check", str(path), "--schema", "art-hiv"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    return printed.err


@pytest.mark.parametrize("case", WRONG_TABLES)
def test_wrong_tables_are_refused_in_a_sentence(case, tmp_path, capsys):
    table, fragments = WRONG_TABLES[case]
    table.to_csv(tmp_path / "t.csv", index=False)
    message = refusal(tmp_path / "t.csv", capsys)
    for fragment in fragments:
        assert fragment in message


CSV = TABLE.to_csv(index=False)
ZIP = io.BytesIO()
with zipfile.ZipFile(ZIP, "w") as archive:
    archive.writestr("table.csv", CSV)

WRONG_BYTES = {
    "empty": (b"", "is empty"),
    "blank": (b"\n\n\n", "is empty"),
    "cut in a line": (CSV[:1000].encode(), "stops in the middle of a line"),
    "short line": (CSV.replace(",0,0\n", ",0\n", 1).encode(), "line 2 has 14 values"),
    "semicolons": (CSV.replace(",", ";").encode(), "semicolons"),
    "tabs": (CSV.replace(",", "\t").encode(), "tabs"),
    "headings without an end": (b"a,b,c", "headings but no rows"),
    "row numbers and no rows": (b",a,b,c\n", "headings but no rows"),
    "prose": (b"hello world\nthis is no table\n", "too few headings"),
    "utf-16": (CSV.encode("utf-16"), "UTF-16"),
    "utf-16 without mark": (CSV.encode("utf-16-le"), "zero bytes"),
    "latin-1 heading": (CSV.replace("Gender", "Génder").encode("latin-1"), "in the headings"),
    "latin-1 value": (CSV.replace(",0,0\n", ",0,ü\n", 1).encode("latin-1"), "'Timestep' that are"),
    "repeated heading": (CSV.replace("CD4,", "VL,", 1).encode(), "two columns headed 'VL'"),
    "web page": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
    "zip": (ZIP.getvalue(), "zip archive"),
    "old Excel": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500), "old Excel workbook"),
    "gzip": (gzip.compress(CSV.encode()), "gzip"),
    "pickle": (pickle.dumps(TABLE), "pickle"),
    "noise": (bytes(range(256)) * 40, "zero bytes"),
    "endless first line": (b"1," * 1_500_000, "over a million characters"),
    "endless second line": (b"a,b,c\n" + b"1," * 5_000_000, "over a million characters"),
}


@pytest.mark.parametrize("case", WRONG_BYTES)
def test_files_that_are_no_table_are_refused_in_a_sentence(case, tmp_path, capsys):
    content, fragment = WRONG_BYTES[case]
    (tmp_path / "t.csv").write_bytes(content)
    message = refusal(tmp_path / "t.csv", capsys)
    assert fragment in message
    assert len(message) < 600


@pytest.mark.parametrize(("how", "content"), [
    ("sep=';', decimal=','", "a;b;c\n1;0;2,5\n1;1;3,5\n"), ("sep='\\t'", "a\tb\tc\n1\t0\t2.5\n"),
    ("compression='gzip'", gzip.compress(b"a,b,c\n1,0,2.5\n", mtime=0)),
    ("encoding='cp1252'", "a,b,gr\xf6\xdfe\n1,0,2.5\n".encode("cp1252")),
    ("encoding='utf-16'", "a,b,c\n1,0,2.5\n".encode("utf-16")),
], ids=["semicolons", "tabs", "gzip", "cp1252", "utf-16"])  # fmt: skip
def test_the_line_of_python_in_a_refusal_mends_the_file(how, content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as refused:
        read_table(path)
    line = str(refused.value).split("in Python: ")[1]
    assert how in line
    exec(line, {"pandas": pd})
    assert read_table("my t-utf8.csv").iloc[0, 2] == 2.5


def test_what_is_not_a_file_is_refused(tmp_path, capsys):
    assert "is a folder" in refusal(tmp_path, capsys)
    assert "There is no file" in refusal(tmp_path / "none.csv", capsys)
    (tmp_path / "t.parquet").write_text(CSV)
    assert "not a whole Parquet file" in refusal(tmp_path / "t.parquet", capsys)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_is_refused(tmp_path, capsys):
    (tmp_path / "t.csv").write_text(CSV)
    (tmp_path / "t.csv").chmod(0)
    assert "cannot be read" in refusal(tmp_path / "t.csv", capsys)


def test_all_findings_are_told_together_and_capped(tmp_path, capsys):
    table = TABLE.astype(object)
    table.loc[5, "VL"], table.loc[3, "Gender"], table.loc[9, "CD4"] = -1, 8, "abc"
    table.to_csv(tmp_path / "t.csv", index=False)
    message = refusal(tmp_path / "t.csv", capsys)
    assert "has 3 problems" in message
    assert all(part in message for part in ("1. Column 'VL'", "2. Column 'CD4'", "3. Column 'Gen"))
    TABLE.assign(VL=-1.0).to_csv(tmp_path / "t.csv", index=False)
    message = refusal(tmp_path / "t.csv", capsys)
    assert "line 4 and 21 more" in message and "line 5" not in message
    TABLE.drop(columns=ART_HIV.names).to_csv(tmp_path / "t.csv", index=False)
    TABLE[["PatientID", "Timestep", "VL"]].to_csv(tmp_path / "t.csv", index=False)
    assert "12 problems" in refusal(tmp_path / "t.csv", capsys)
    with pytest.raises(InputError, match=r"… and 1 more"):
        check(TABLE[["PatientID", "Timestep"]], ART_HIV)


def test_lines_are_counted_as_an_editor_counts_them(tmp_path, capsys):
    text = changed("VL", 5, -1).to_csv(index=False)
    (tmp_path / "t.csv").write_text("\n\n" + text.replace("\n", "\n\n", 3))
    assert "-1 on line 12." in refusal(tmp_path / "t.csv", capsys)


WAYS_TO_WRITE = {
    "byte order mark": lambda t, p: t.to_csv(p, index=False, encoding="utf-8-sig"),
    "Windows line ends": lambda t, p: t.to_csv(p, index=False, lineterminator="\r\n"),
    "codes as floats": lambda t, p: t.astype(float).to_csv(p, index=False),
    "labels": lambda t, p: ART_HIV.label(t).to_csv(p, index=False),
    "quoted": lambda t, p: t.to_csv(p, index=False, quoting=1),
    "any order of rows": lambda t, p: t.sample(frac=1, random_state=0).to_csv(p, index=False),
    "any order of columns": lambda t, p: t[t.columns[::-1]].to_csv(p, index=False),
    "row numbers": lambda t, p: t.to_csv(p),
    "blank lines at the end": lambda t, p: p.write_text(t.to_csv(index=False) + "\n\n"),
}


@pytest.mark.parametrize("way", WAYS_TO_WRITE)
def test_the_same_table_is_read_however_it_was_written(way, tmp_path):
    WAYS_TO_WRITE[way](TABLE, tmp_path / "t.csv")
    table = load_checked(tmp_path / "t.csv", ART_HIV)[TABLE.columns]
    pd.testing.assert_frame_equal(table, ART_HIV.label(TABLE))


def test_parquet_is_read_too(tmp_path):
    ART_HIV.label(TABLE).to_parquet(tmp_path / "t.parquet")
    table = load_checked(tmp_path / "t.parquet", ART_HIV)
    pd.testing.assert_frame_equal(table, ART_HIV.label(TABLE))


def test_a_table_without_a_file_is_named_by_its_index():
    with pytest.raises(InputError, match=r"The table: Column 'VL' .* -1 on row 105\."):
        check(changed("VL", 5, -1).set_index(np.arange(100, 124)), ART_HIV)


def test_whole_numbers_must_be_whole():
    raw = trial()
    schema = infer_schema(raw, patient="person", time="visit", source="t")
    assert schema["age"].integer
    raw["age"] = raw["age"].astype(float)
    raw.loc[raw["person"] == "P03", "age"] = 40.5
    with pytest.raises(InputError, match="'age' is not a whole number"):
        check(raw, schema)


def test_inference_refuses_what_cannot_be_modelled():
    def refused(raw, **names):
        with pytest.raises(InputError) as error:
            infer_schema(raw, **({"patient": "person", "time": "visit"} | names), source="t.csv")
        return str(error.value)

    raw = trial()
    assert "'month' is missing" in refused(raw, time="month")
    assert "Each patient has one visit only" in refused(raw[raw["visit"] == 1])
    assert "occurs twice" in refused(pd.concat([raw, raw[5:6]], ignore_index=True))
    assert "'soon' on row 2" in refused(raw.assign(visit=["soon" if i == 2 else str(i) for i in
                                                          raw.index]))
    assert "identifier or free text" in refused(raw.assign(note=[f"n{i}" for i in raw.index]))
    assert "'dose' holds numbers with commas, such as '0,5'" in refused(
        raw.assign(dose=[f"{i},5" for i in raw.index])
    )
    boxes = raw.assign(boxes=["1,2" if i % 2 else "2,3" for i in raw.index])  # ticked in a form
    assert infer_schema(boxes, patient="person", time="visit", source="t")["boxes"].levels == (
        "1,2", "2,3")  # fmt: skip
    message = refused(raw.assign(note=None, weight=["n.d." if i == 7 else i for i in raw.index]))
    assert "2 problems" in message
    day = pd.Timestamp("2020-01-31")
    mixed = [(day + pd.Timedelta(days=i)).strftime("%d/%m/%Y" if i % 3 else "%Y-%m-%d")
             for i in range(len(raw))]
    said = refused(raw.assign(start=mixed))
    assert "'start' holds dates like %d/%m/%Y, but '2020-01-31' on row 0" in said
    assert "something beside them, such as '0.5 mg'" in refused(
        raw.assign(dose=[f"{i}.5 mg" for i in raw.index]))
    wide = pd.DataFrame({"person": range(9), "bp_1": 1.0, "bp_2": 2.0})
    assert "one row a patient and a column a visit (bp_1, bp_2)" in refused(wide)
    tall = pd.concat([raw[["person", "visit"]].assign(test=t, value=1.5 * raw.index) for t in "ab"])
    assert "one row a measurement, named by 'test'" in refused(tall.reset_index(drop=True))
    assert "line" not in (said := refused(raw.assign(visit=raw["visit"].where(raw.index != 4))))
    assert "'visit' is empty: on row 4. Fill it in, or leave the row out." in said
    assert "'weight' holds numbers, but 'n.d.' on row 7" in message
    assert "'note' has no values" in message


def test_reading_names_lines_and_keeps_labels_as_text(tmp_path):
    (tmp_path / "t.csv").write_text("id,t,flag,day\n1,0,true,2020-01-01\n1,1,false,2020-02-01\n")
    table = read_table(tmp_path / "t.csv")
    assert table.index.tolist() == [2, 3]
    assert table["flag"].astype(object).tolist() == ["true", "false"]
    assert table["day"].astype(object).tolist() == ["2020-01-01", "2020-02-01"]
