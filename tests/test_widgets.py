"""The patient browser moves as told, and says so where there is no patient."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgteach import ART_HIV, InputError
from hgteach.widgets import NO_KERNEL, groups, patient_browser, step

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


@pytest.fixture
def cohort() -> pd.DataFrame:
    """Patients 3, 5 and 9 over four months: 5 switches, 9 ends with a high viral load."""
    coded = pd.DataFrame(
        {
            column.name: [column.codes[0] if column.codes else 100.0] * 12
            for column in ART_HIV.columns
        }
    )
    coded["PatientID"] = np.repeat([3, 5, 9], 4)
    coded["Timestep"] = np.tile(range(4), 3)
    coded.loc[5:7, "Extra PI"] = 1
    coded.loc[11, "VL"] = 50_000.0
    return ART_HIV.label(coded)


@pytest.mark.parametrize(
    ("current", "by", "expected"),
    [(3, 1, 5), (5, 1, 9), (9, 1, 9), (9, -1, 5), (3, -1, 3), (4, 1, 5), (4, -1, 3), (1, -1, 3)],
)
def test_steps_lead_to_the_neighbour_and_stop_at_the_ends(current, by, expected):
    assert step(np.array([3, 5, 9]), current, by) == expected


def test_groups_hold_the_right_patients(cohort):
    found = {name: ids.tolist() for name, ids in groups(cohort).items()}
    assert found == {
        "All patients": [3, 5, 9],
        "Regimen changed at least once": [5],
        "Viral load above 1,000 at the end": [9],
    }


def test_a_group_without_members_is_not_offered(cohort):
    assert list(groups(cohort[cohort["PatientID"] == 3])) == ["All patients"]


def test_the_picture_and_the_words_follow_the_number(cohort):
    browser = patient_browser(cohort)
    first = bytes(browser.picture.value)
    assert first.startswith(b"\x89PNG")
    assert "Patient 3 " in browser.words.value
    browser.number.value = 9
    assert bytes(browser.picture.value) != first
    assert "Patient 9 " in browser.words.value


def test_buttons_walk_through_the_chosen_group(cohort):
    browser = patient_browser(cohort)
    browser.next.click()
    assert browser.number.value == 5
    browser.group.value = "Viral load above 1,000 at the end"
    assert browser.number.value == 9
    browser.previous.click()
    assert browser.number.value == 9, "there is only one patient in this group"


def test_a_number_without_a_patient_is_told_and_leaves_the_picture(cohort):
    browser = patient_browser(cohort)
    before = bytes(browser.picture.value)
    browser.number.value = 4
    assert "There is no patient 4." in browser.words.value
    assert bytes(browser.picture.value) == before


def test_every_control_is_labelled(cohort):
    browser = patient_browser(cohort)
    for control in (browser.number, browser.group, browser.previous, browser.next):
        assert control.description


def test_pages_without_a_kernel_read_a_sentence(cohort, monkeypatch):
    browser = patient_browser(cohort)
    live = browser._repr_mimebundle_()
    assert live["text/plain"] == NO_KERNEL
    assert "application/vnd.jupyter.widget-view+json" in live
    monkeypatch.setenv("HGTEACH_STATIC", "1")
    assert browser._repr_mimebundle_() == {"text/plain": NO_KERNEL}


def test_committed_notebooks_hold_no_widget_that_cannot_live():
    for path in NOTEBOOKS.rglob("*.ipynb"):
        if ".ipynb_checkpoints" in path.parts:
            continue
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {}), (
                    f"{path.name}: run it with HGTEACH_STATIC=1 before you commit it"
                )


@pytest.mark.parametrize(
    "table", [pd.DataFrame({"PatientID": ["a"]}), pd.DataFrame({"PatientID": []})]
)
def test_a_table_without_numbered_patients_is_refused(table):
    with pytest.raises(InputError, match="whole numbers"):
        patient_browser(table)
