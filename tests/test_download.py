"""A download replaces nothing until it is whole, whatever a server on this machine does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cohort_tables import published_layout

from hgteach.cli import main
from hgteach.cohorts import download
from hgteach.cohorts.art_hiv import ART_HIV, load_art_hiv
from hgteach.cohorts.download import FIRST_CD4, fetch_art_hiv, fetched_art_hiv
from hgteach.errors import InputError

PATIENTS = 5
CSV = published_layout(PATIENTS, 60).to_csv(index=False).encode()


class Server(BaseHTTPRequestHandler):
    """Answers each path with its own misbehaviour."""

    def do_GET(self) -> None:
        status, length, body = {
            "/whole": (200, len(CSV), CSV),
            "/breaks-off": (200, len(CSV), CSV[: len(CSV) // 2]),
            "/says-less": (200, len(CSV) // 2, CSV),
            "/says-nothing": (200, None, CSV[: len(CSV) // 2]),
            "/too-few-rows": (200, None, CSV[: CSV.index(b",59\n") + 4]),
            "/page": (200, None, b"<!DOCTYPE html><html><body>Are you human?</body></html>"),
            "/nothing": (202, 0, b""),
            "/missing": (404, 0, b""),
            "/broken": (500, 0, b""),
        }[self.path]
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HGTEACH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_a_whole_file_is_kept_with_a_note_on_its_origin(server, folder):
    path = fetch_art_hiv(f"{server}/whole", patients=PATIENTS)
    assert path == fetched_art_hiv() and path.parent == folder
    assert path.read_bytes() == CSV
    note = json.loads(path.with_suffix(".json").read_text())
    assert note["source"] == f"{server}/whole"
    assert len(note["sha256"]) == 64
    assert set(folder.iterdir()) == {path, path.with_suffix(".json")}


MISBEHAVIOUR = {
    "breaks-off": "broke off half-way",
    "says-less": "in the middle of a line",
    "says-nothing": "in the middle of a line",
    "too-few-rows": "60 rows, not 5 patients",
    "page": "is a web page",
    "nothing": "is empty",
    "missing": "answered 404",
    "broken": "answered 500",
}


@pytest.mark.parametrize("old", [None, b"the old file"], ids=["first fetch", "old file"])
@pytest.mark.parametrize("path", MISBEHAVIOUR)
def test_a_bad_answer_changes_nothing(path, old, server, folder):
    target = folder / download.ART_HIV_FILE
    if old:
        folder.mkdir()
        target.write_bytes(old)
        target.with_suffix(".json").write_text('{"provenance": "old"}')
    before = {p.name: p.read_bytes() for p in folder.glob("*")}
    with pytest.raises(InputError, match=MISBEHAVIOUR[path]) as error:
        fetch_art_hiv(f"{server}/{path}", patients=PATIENTS)
    assert "Nothing was changed" in str(error.value) and "--from-file" in str(error.value)
    assert {p.name: p.read_bytes() for p in folder.glob("*")} == before


def test_no_server_is_a_sentence_and_status_2(folder, monkeypatch, capsys):
    def refused_port(**options: object) -> None:
        fetch_art_hiv("http://127.0.0.1:9/none", **options)

    monkeypatch.setattr(download, "fetch_art_hiv", refused_port)
    assert main(["data", "fetch", "art-hiv"]) == 2
    assert "there is no connection to the server" in capsys.readouterr().err
    assert not list(folder.glob("*"))


def test_after_a_break_the_next_try_succeeds(server, folder):
    with pytest.raises(InputError):
        fetch_art_hiv(f"{server}/breaks-off", patients=PATIENTS)
    assert fetched_art_hiv() is None
    assert fetch_art_hiv(f"{server}/whole", patients=PATIENTS).read_bytes() == CSV


def test_a_copy_from_this_machine(folder, tmp_path):
    (tmp_path / "copy.csv").write_bytes(CSV)
    fetch_art_hiv(from_file=tmp_path / "copy.csv", patients=PATIENTS)
    table = load_art_hiv()
    assert "origin was not verified" in table.attrs["provenance"]
    assert list(table["Gender"].cat.categories) == ["Male", "Female"]
    assert len(table) == PATIENTS * 60 and len(load_art_hiv(2)) == 120
    with pytest.raises(InputError, match="There is no file"):
        fetch_art_hiv(from_file=tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"300 rows, not 8,916 patients"):
        fetch_art_hiv(from_file=tmp_path / "copy.csv")


def test_a_copy_that_begins_like_the_published_file_is_called_published(folder, tmp_path):
    table = published_layout(PATIENTS, 60)
    table.loc[:4, "CD4"] = [value + 0.4 for value in FIRST_CD4]
    table.to_csv(tmp_path / "copy.csv", index=False)
    fetch_art_hiv(from_file=tmp_path / "copy.csv", patients=PATIENTS)
    assert load_art_hiv().attrs["provenance"] == download.PUBLISHED


def test_a_download_from_the_published_address_is_called_published(server, folder, monkeypatch):
    monkeypatch.setattr(download, "ART_HIV_URL", f"{server}/whole")
    fetch_art_hiv(download.ART_HIV_URL, patients=PATIENTS)
    assert load_art_hiv().attrs["provenance"] == download.PUBLISHED


def test_a_file_without_its_note_or_damaged_later_is_not_trusted(server, folder):
    path = fetch_art_hiv(f"{server}/whole", patients=PATIENTS)
    path.with_suffix(".json").write_text("[]")
    assert load_art_hiv().attrs["provenance"] == download.UNVERIFIED
    path.write_bytes(CSV[: len(CSV) // 2])
    with pytest.raises(InputError, match="in the middle of a line"):
        load_art_hiv()


def test_a_folder_that_cannot_be_made(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HGTEACH_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(InputError, match="HGTEACH_DATA"):
        fetch_art_hiv()


def test_the_published_size_passes_through_the_same_path(folder, tmp_path):
    from hgteach.cohorts.reading import write_table

    write_table(published_layout(8916, 60), tmp_path / "copy.csv")
    fetch_art_hiv(from_file=tmp_path / "copy.csv")
    table = load_art_hiv()
    assert table.shape == (534_960, 15)
    assert list(table.columns) == [*ART_HIV.names, "PatientID", "Timestep"]
