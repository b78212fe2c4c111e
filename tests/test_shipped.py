"""A shipped generator is used where it lies, and nothing is promised where it does not."""

from hgteach.training import shipped as module
from hgteach.training.generator import FILE_NAME


def test_the_folder_is_named_only_if_the_generator_lies_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    assert module.shipped("v2") is None
    (tmp_path / "v2").mkdir()
    assert module.shipped("v2") is None, "an empty folder is no generator"
    (tmp_path / "v2" / FILE_NAME).touch()
    assert module.shipped("v2") == tmp_path / "v2"
    assert module.shipped("v2.5") is None


def test_it_looks_beside_the_package():
    assert (module.FOLDER.parent / "README.md").is_file()
