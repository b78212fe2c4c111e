"""Reading a table from CSV or Parquet, and writing one, with errors that a learner can act on.

The rows of a CSV file carry their line number as index (the headings are line 1), so that every
later complaint can name the line that a person sees in an editor.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from hgteach.errors import InputError
from hgteach.files import replacing

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

SUFFIXES = (".csv", ".parquet")
# The longest line that is still a line of a table. It bounds the memory that a wrong file costs.
LONGEST_LINE = 1 << 20
BLOCK = 4 * LONGEST_LINE
BLANKS = ("", "NA", "NaN", "nan", "NULL", "null", "N/A", "n/a")  # pyarrow's, the usual ones
_NO_HEADING = "{path} has no heading for column {column}. Name it, or leave it out of the file."
_NO_ROWS = "{path} has headings but no rows."
# What the first bytes of a file say when the name says .csv.
STRANGERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed with gzip",
    b"PAR1": "a Parquet file, whose name should end in .parquet",
    b"\x80": "a Python pickle, which this course never opens",
    b"%PDF": "a PDF document",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


def read_table(path: str | Path) -> pd.DataFrame:
    """Return the table in a CSV (UTF-8, commas) or Parquet file, as it is written there.

    Text becomes a pandas categorical, which is many times faster to check than single texts. A
    first column without a heading that only counts the rows, as R and pandas write it, is left
    out. ``attrs["blank"]`` says how the file writes an empty cell.

    Raises:
        InputError: there is no such file, or it is not a table; the message says what it seems
            to be and what to do.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder. Name the table inside it.")
    if not path.is_file():
        raise InputError(f"There is no file {path}. Check the name and the folder.")
    try:
        table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from None
    if table.empty:
        raise InputError(_NO_ROWS.format(path=path))
    return table


def check_suffix(path: str | Path) -> Path:
    """Return the path of a table to write, or refuse a name that :func:`write_table` cannot use."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} should end in .csv or .parquet, which says how to write it.")
    return path


def write_table(table: pd.DataFrame, path: str | Path, blank: str = "") -> None:
    """Write a table as CSV or Parquet, as the file's name says. The index is not written.

    An empty cell of a CSV file is written as ``blank``.

    Raises:
        InputError: the name ends in neither, or the folder cannot be written to.
    """
    path = check_suffix(path)
    with replacing(path) as temporary:
        if path.suffix.lower() == ".parquet":
            table.to_parquet(temporary, index=False)
            return
        if blank and table.isna().any(axis=None):
            table.to_csv(temporary, index=False, na_rep=blank, lineterminator="\n")
            return
        with temporary.open("wb") as file:
            write_headings(table, file)
            write_rows(table, file)


def write_headings(table: pd.DataFrame, file: BinaryIO) -> None:
    """Write the first line of a CSV file."""
    headings = io.StringIO(newline="")
    csv.writer(headings, lineterminator="\n").writerow(table.columns)
    file.write(headings.getvalue().encode())


def write_rows(table: pd.DataFrame, file: BinaryIO) -> None:
    """Write rows at the end of a CSV file; texts are in quotation marks only if one needs them."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    options = arrow_csv.WriteOptions(include_header=False, quoting_style="none")
    start = file.tell()
    try:
        arrow_csv.write_csv(arrow, file, options)
    except pa.ArrowInvalid:  # a text holds a comma or a quote
        file.seek(start)
        file.truncate()
        options.quoting_style = "needed"
        arrow_csv.write_csv(arrow, file, options)


def open_parquet(path: Path) -> ParquetFile:
    """Open a Parquet file whose columns are all plain.

    Raises:
        InputError: it is damaged, or its columns are not plain.
    """
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(path)
    except pa.ArrowException:
        raise InputError(f"{path} is not a whole Parquet file. Get it again.") from None
    schema = file.schema_arrow
    for field in schema:
        if pa.types.is_nested(field.type):
            raise InputError(
                f"{path}: column {field.name!r} holds lists, not single values. Drop it first."
            )
    _refuse_headings(path, schema.names)
    return file


def _read_parquet(path: Path) -> pd.DataFrame:
    """Read a whole Parquet file."""
    with open_parquet(path) as file:
        try:
            arrow = file.read()
        except pa.ArrowException:
            raise InputError(f"{path} is not a whole Parquet file. Get it again.") from None
    return arrow.to_pandas(strings_to_categorical=True).reset_index(drop=True)


def _read_csv(path: Path) -> pd.DataFrame:
    """Read a CSV file: first its start, to see what it is, then all of it."""
    _refuse_start(path)
    try:
        arrow = _parse(path)
    except pa.ArrowInvalid as error:
        raise InputError(_unparsed(path, str(error))) from None
    for field in arrow.schema:
        if pa.types.is_binary(field.type):
            raise InputError(_not_utf8(path, f"column {field.name!r}"))
    # Dates stay the text that they are in the file, so that a copy can be written the same way.
    texts = {f.name: pa.string() for f in arrow.schema if pa.types.is_temporal(f.type)}
    if texts:
        arrow = _parse(path, texts=texts)
    table = arrow.to_pandas(strings_to_categorical=True)
    table.index = _line_index(path, len(table))
    if "" in table:
        number = pd.to_numeric(table[""].astype(object), errors="coerce").to_numpy()
        if not np.isin(number[:1], (0, 1)).all() or (np.diff(number) != 1).any():
            raise InputError(_NO_HEADING.format(path=path, column=1))
        table = table.drop(columns="")
    table.attrs["blank"] = _blank(path) if table.isna().any(axis=None) else ""
    return table


def _blank(path: Path) -> str:
    """Return how a file, in its first part, writes an empty cell."""
    with path.open("rb") as file:
        start = b"," + file.read(LONGEST_LINE).replace(b"\r", b"").replace(b"\n", b",")
    counts = {text: start.count(b"," + text.encode() + b",") for text in BLANKS}
    return max(counts, key=counts.get)


def _parse(
    path: Path,
    threads: bool = True,
    complaints: list | None = None,
    texts: dict[str, pa.DataType] | None = None,
) -> pa.Table:
    """Parse the file. Given a list for complaints, collect the first lines of the wrong length."""

    def complain(row: arrow_csv.InvalidRow) -> str:
        complaints.append(row)
        return "skip" if len(complaints) < 20 else "error"

    return arrow_csv.read_csv(
        path,
        arrow_csv.ReadOptions(use_threads=threads, block_size=BLOCK),
        arrow_csv.ParseOptions(invalid_row_handler=None if complaints is None else complain),
        # No text is turned into True or False, so that labels come out as they went in.
        arrow_csv.ConvertOptions(strings_can_be_null=True, true_values=[], false_values=[],
                                  column_types=texts),
    )


def _refuse_start(path: Path) -> None:
    """Look at the first bytes: refuse what is no table, before time or memory is spent on it."""
    with path.open("rb") as file:
        start = file.read(LONGEST_LINE)
    if not start.strip():
        raise InputError(f"{path} is empty.")
    for signature, name in STRANGERS.items():
        if start.startswith(signature):
            how = "compression='gzip'" if "gzip" in name else "encoding='utf-16'"
            more = _in_python(path, how) if "gzip" in name or "UTF-16" in name else "."
            raise InputError(f"{path} is {name}. Save the table as 'CSV UTF-8'{more}")
    if b"\0" in start:
        raise InputError(f"{path} is not text: it holds zero bytes. Save it as 'CSV UTF-8'.")
    if start.lstrip()[:1] == b"<":
        raise InputError(f"{path} is a web page, not a table. Fetch the file itself again.")
    lines = start.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").splitlines()
    if len(start) == LONGEST_LINE and len(lines) < 2:
        raise InputError(
            f"{path} begins with a line of over a million characters, so it is no table of rows."
        )
    try:
        line = lines[0].decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(_not_utf8(path, "the headings")) from None
    headings = next(csv.reader([line]))
    if len(headings) < 3:
        other = max(";\t|", key=line.count)
        if other in line:
            name = {";": "semicolons", "\t": "tabs", "|": "bars"}[other]
            how = {";": "sep=';', decimal=','", "\t": "sep='\\t'", "|": "sep='|'"}[other]
            raise InputError(
                f"{path} separates its columns by {name}. Save it with commas (and decimal points)"
                f"{_in_python(path, how)}"
            )
        raise InputError(
            f"{path} has too few headings separated by commas ({_quote(line)}). "
            "A table needs a patient, a time and at least one more column."
        )
    _refuse_headings(path, ["(row number)" if not headings[0] else headings[0], *headings[1:]])


def _not_utf8(path: Path, where: str) -> str:
    """Say that a file is in an old encoding."""
    return (
        f"{path} has letters in {where} that are not UTF-8. Save it again as 'CSV UTF-8'"
        + _in_python(path, "encoding='cp1252'")
    )


def _in_python(path: Path, how: str) -> str:
    """Return a line of Python that saves the table as this course reads it."""
    new = f"{path.name.split('.')[0]}-utf8.csv"
    old = path.as_posix()
    return f""", or in Python: pandas.read_csv("{old}", {how}).to_csv("{new}", index=False)"""


def _refuse_headings(path: Path, headings: list[str]) -> None:
    """Refuse headings that are repeated or empty."""
    repeated = sorted({h for h in headings if headings.count(h) > 1})
    if "" in headings:
        raise InputError(_NO_HEADING.format(path=path, column=headings.index("") + 1))
    if repeated:
        raise InputError(f"{path} has two columns headed {_quote(repeated[0])}. Rename one.")


def _unparsed(path: Path, reason: str) -> str:
    """Say which lines kept a CSV file from being read."""
    complaints: list[arrow_csv.InvalidRow] = []
    try:
        _parse(path, threads=False, complaints=complaints)
    except pa.ArrowInvalid as error:
        reason = str(error)
    if not complaints:
        if "Empty CSV" in reason:
            return _NO_ROWS.format(path=path)
        if "straddling" in reason:
            return f"{path} has a line of over a million characters, so it is no table of rows."
        return f"{path} cannot be read as CSV ({reason.splitlines()[0]})."
    lines = _filled_lines(path)
    found = [
        f"line {lines[row.number - 1]} has {row.actual_columns} values ({_quote(row.text)})"
        for row in complaints[:3]
    ]
    more = ", among others" if len(complaints) > 3 else ""
    sentence = (
        f"{path}: the headings name {complaints[0].expected_columns} columns, but "
        f"{' and '.join(found)}{more}."
    )
    with path.open("rb") as file:
        file.seek(-1, io.SEEK_END)
        cut = file.read() not in b"\r\n" and complaints[-1].number == len(lines)
    return sentence + (" The file stops in the middle of a line: get it again." if cut else "")


def _line_index(path: Path, rows: int) -> pd.Index:
    """Return the line number of each row; empty lines are counted, though they hold no row."""
    lines = pd.RangeIndex(2, rows + 2, name="line")
    data = path.read_bytes()
    if data[:1] not in b"\r\n" and not any(b in data for b in (b"\n\n", b"\n\r", b"\r\r")):
        return lines
    filled = _filled_lines(path)[1:]
    return pd.Index(filled, name="line") if len(filled) == rows else lines


def _filled_lines(path: Path) -> np.ndarray:
    """Return the numbers of the lines that are not empty, counted from 1."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return np.flatnonzero([line != "\n" for line in file]) + 1


def _quote(text: str) -> str:
    """Return a text in quotation marks, shortened to what fits in a sentence."""
    return repr(text if len(text) <= 60 else text[:57] + "…")
