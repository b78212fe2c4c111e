"""Explorers follow their controls, in picture and words, and a page without a kernel gets both."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from hgteach import ART_HIV, InputError, Schema, figures, widgets
from hgteach.evaluation.association import correlations
from hgteach.models.v1 import Architecture
from hgteach.models.v2 import PatientMemory
from hgteach.schema import Column
from hgteach.widgets import NO_KERNEL, Explorer, groups, patient_browser, step

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
    first = browser.png
    assert first.startswith(b"\x89PNG")
    assert "Patient 3 " in browser.words.value
    browser.number.value = 9
    assert browser.png != first
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
    before = browser.png
    browser.number.value = 4
    assert "There is no patient 4." in browser.words.value
    assert browser.png == before


def line(height: float) -> tuple:
    """Draw a flat line and say how high it is; there is no picture below 0."""
    if height < 0:
        raise InputError("Nothing lies below 0.")
    fig, axis = figures.subplots()
    axis.plot([0, 1], [height, height])
    return fig, f"A line at\n   {height:g}."


@pytest.fixture
def lines() -> Explorer:
    return Explorer(line, height=widgets.slider("Height", -1.0, 3.0, 0.5, 1.0, "how high it is"))


def test_an_explorer_follows_its_control_in_picture_and_words(lines):
    first = lines.png
    assert lines.said == "A line at 1."
    lines.controls["height"].value = 2.0
    assert lines.png.startswith(b"\x89PNG") and lines.png != first
    assert '<p role="status">A line at 2.</p>' in lines.words.value
    assert 'alt="' in lines.picture.value and 'width="640" height="480"' in lines.picture.value


def test_what_cannot_be_drawn_is_told_and_leaves_the_picture(lines):
    first = lines.png
    lines.controls["height"].value = -1.0
    assert lines.said == "Nothing lies below 0." and lines.png == first
    lines.controls["height"].value = 0.0
    assert lines.said == "A line at 0."


def test_a_way_back_is_not_drawn_again():
    drawn = []
    explorer = Explorer(
        lambda k: (drawn.append(k), line(k))[1], k=widgets.slider("K", 0, 3, 1, 1, "a number")
    )
    for explorer.controls["k"].value in (2, 1, 2):
        assert explorer.said == f"A line at {explorer.controls['k'].value}."
    assert drawn == [1, 2]


def test_live_pages_get_controls_and_committed_ones_a_picture(lines, monkeypatch):
    shown = []

    def show(data, raw=False, metadata=None):
        shown.append((data, metadata))

    monkeypatch.setattr("hgteach.widgets.explorer.display", show)
    monkeypatch.setattr("hgteach.figures.palette.display", show)
    monkeypatch.delenv("HGTEACH_STATIC", raising=False)
    lines._ipython_display_()
    data, metadata = shown[0]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["image/png"] == lines.png and NO_KERNEL in data["text/plain"]
    assert metadata["image/png"]["alt"] == "A line at 1."
    shown.clear()
    monkeypatch.setenv("HGTEACH_STATIC", "1")
    lines._ipython_display_()
    assert shown[0][1] == {"image/png": {"alt": "A line at 1."}}
    assert not any("application/vnd.jupyter.widget-view+json" in data for data, _ in shown)


def test_a_page_without_a_kernel_may_get_another_picture(monkeypatch, capsys):
    drawn = []
    monkeypatch.setattr("hgteach.figures.show", lambda fig, alt: drawn.append(alt))
    monkeypatch.setenv("HGTEACH_STATIC", "1")
    height = widgets.slider("Height", 0, 3, 1, 1, "how high it is")
    Explorer(line, still=lambda: line(3), height=height)._ipython_display_()
    assert drawn == ["A line at\n   3."] and NO_KERNEL in capsys.readouterr().out


# --- The explorers of the lessons -----------------------------------------------------------------

TWO = Schema(
    "two", "PatientID", "Timestep",
    (Column("VL", "real", unit="copies/mL", lower=0), Column("CD4", "real", unit="cells", lower=0),
     Column("Gender", "binary", levels=("Male", "Female"), static=True)),
)  # fmt: skip


def people(patients: int = 40, months: int = 12, women: int = 10) -> pd.DataFrame:
    """Two numbers that move against each other from month to month, and a static level."""
    dice = np.random.default_rng(0)
    wobble = dice.normal(size=patients * months)
    return pd.DataFrame(
        {
            "PatientID": np.repeat(np.arange(patients), months),
            "Timestep": np.tile(np.arange(months), patients),
            "VL": 10 ** (2 + 0.5 * wobble),
            "CD4": 10 ** (2.5 - 0.2 * wobble),
            "Gender": pd.Categorical(
                np.repeat(np.where(np.arange(patients) < women, "Female", "Male"), months),
                ["Male", "Female"],
            ),
        }
    )


def remembering() -> Explorer:
    torch.manual_seed(0)
    group = torch.tensor([0, 0, 1, 1])
    months = 5.0 * group[:, None, None] + 0.1 * torch.randn(4, 6, 2)
    memory = PatientMemory(Architecture(noise_size=2, memory_size=4))
    memory.remember(months)
    return widgets.latent_buffer({"ours": memory}, months.mean(dim=1), group)


def attacked() -> dict[str, pd.DataFrame]:
    """Ten members, of whom three lie far above all ten outsiders."""
    score = np.r_[np.arange(10.0), 20, 21, 22, np.arange(7) + 0.5]
    who = np.r_[np.zeros(10, bool), np.ones(10, bool)]
    return {"X": pd.DataFrame({"member": who, "nearest patient": -score, "density ratio": score})}


EXPLORERS = {
    "attack_threshold": lambda: widgets.attack_threshold(attacked()),
    "batch_shape": lambda: widgets.batch_shape(torch.zeros(300, 20, 3)),
    "box_cox": lambda: widgets.box_cox(people()["VL"]),
    "correlation_types": lambda: widgets.correlation_types(people(), TWO),
    "latent_buffer": remembering,
    "noisy_scores": lambda: widgets.noisy_scores(
        lambda x: x[..., 0].mean(dim=1), torch.ones(5, 10, TWO.width), TWO
    ),
    "patient_browser": lambda: widgets.patient_browser(people(), TWO),
    "snapshots": lambda: widgets.snapshots(people(), {1: people(women=0), 2: people()}, TWO),
}


@pytest.mark.parametrize("name", sorted(EXPLORERS))
def test_every_control_has_a_label_a_tip_and_moves_the_picture(name):
    explorer = EXPLORERS[name]()
    assert len(explorer.said.split()) > 8
    for control in explorer.controls.values():
        assert control.description
        assert control.tooltip or name == "patient_browser"
        if hasattr(control, "options"):
            others = [value for value in control._options_values if value != control.value]
        else:
            others = [v for v in (control.min, control.max) if v != control.value]
        first, pictures = control.value, {explorer.png}
        for control.value in others:
            pictures.add(explorer.png)
        assert len(pictures) > 1 or not others
        control.value = first


def test_buttons_and_the_group_of_the_browser_are_labelled(cohort):
    browser = patient_browser(cohort)
    assert all(c.description for c in (browser.group, browser.previous, browser.next))


def test_box_cox_tells_the_skewness_and_the_best_power():
    x = people()["VL"].to_numpy()
    explorer = widgets.box_cox(x)
    explorer.controls["power"].value = 1.0
    assert f"skewness {stats.skew(x):.1f}" in explorer.said
    explorer.controls["power"].value = 0.0
    assert f"skewness {stats.skew(np.log(x)):z.1f}" in explorer.said
    assert f"best λ, {stats.boxcox(x)[1]:.1f}" in explorer.said
    with pytest.raises(InputError, match="above 0"):
        widgets.box_cox([1.0, 0.0])


def test_batches_tell_who_sits_out_and_who_weighs_more():
    explorer = EXPLORERS["batch_shape"]()
    assert "(256, 10, 3)" in explorer.said and "44 of 300 patients sit out" in explorer.said
    explorer.controls["last"].value = "smaller"
    assert "(44, 10, 3)" in explorer.said and "0 of 300" in explorer.said
    assert "5.8 times" in explorer.said
    explorer.controls["last"].value = "equal parts"
    explorer.controls["length"].value = 20
    assert "Batches: 2, of shape (150, 20, 3)" in explorer.said and "1.0 times" in explorer.said


def test_noise_lowers_the_score_of_a_critic_that_wants_ones():
    explorer = EXPLORERS["noisy_scores"]()
    explorer.controls["percent"].value = 0
    assert "the score 1.00, and 1.00 without" in explorer.said
    explorer.controls["percent"].value = 100
    assert "the score 0." in explorer.said


def test_the_buffer_without_scatter_gives_back_whom_it_recalls():
    explorer = remembering()
    explorer.controls["scatter"].value = 0.0
    assert "For 100% of the months" in explorer.said
    assert "around patient 0" in explorer.said


def test_snapshots_name_the_lost_group_until_it_appears():
    explorer = EXPLORERS["snapshots"]()
    assert "After epoch 1, 25% of" in explorer.said and "Lost groups: Female." in explorer.said
    explorer.controls["epoch"].value = 2
    assert "After epoch 2, 0% of" in explorer.said and "Lost groups: none." in explorer.said


def test_the_three_correlations_are_those_of_the_package():
    explorer = EXPLORERS["correlation_types"]()
    numbers = TWO.select(["VL", "CD4"])
    static = correlations(people(), numbers).to_numpy()[0, 1]
    assert static < -0.99 and f"static {static:+.2f}" in explorer.said
    gap = people()
    gap.loc[3, "VL"] = np.nan
    with pytest.raises(InputError, match="every month"):
        widgets.correlation_types(gap, TWO)


def test_a_threshold_accuses_no_more_outsiders_than_allowed():
    explorer = EXPLORERS["attack_threshold"]()
    assert "accuses 0 of 10, and recognises 3 of 10 members" in explorer.said
    explorer.controls["percent"].value = 20
    assert "accuses 2 of 10" in explorer.said
    explorer.controls["rule"].value = "nearest patient"
    assert "recognises 3 of 10" not in explorer.said


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
