"""A shipped generator is used where it lies, and nothing is promised where it does not."""

import pytest

from hgteach.cohorts.art_hiv import ART_HIV, EXAMPLE_VARIABLES, load_art_hiv
from hgteach.evaluation.diversity import subgroups
from hgteach.training import shipped as module
from hgteach.training.generator import FILE_NAME, Generator

EXAMPLE = ART_HIV.select(EXAMPLE_VARIABLES)


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


@pytest.mark.parametrize("model", ["v1", "v2", "v2.5"])
def test_each_shipped_gan_makes_patients_of_the_stand_in(model):
    generator = Generator.load(module.shipped(model))
    made = generator.generate(40, seed=3)
    assert "stand-in" in made.attrs["provenance"]
    assert len(made) == 40 * 60
    assert EXAMPLE.label(made)[EXAMPLE.names].notna().all(axis=None)
    assert (made.groupby("PatientID", observed=True)[EXAMPLE.static].nunique() == 1).all(axis=None)
    assert (module.shipped(model) / FILE_NAME).stat().st_size < 1e6


def test_the_memory_brings_groups_back_that_v1_loses():
    """What the lessons say of the shipped generators, as far as any seed shows it."""
    real = load_art_hiv(300)
    wrong = {}
    for model in ("v1", "v2", "v2.5"):
        made = Generator.load(module.shipped(model)).generate(300, seed=4)
        table = subgroups(real, made, EXAMPLE)
        wrong[model] = (table["synthetic"] - table["real"]).abs().sum() / 2
    assert wrong["v2"] < 0.5 * wrong["v1"]
    assert wrong["v2.5"] < 0.5 * wrong["v1"]
