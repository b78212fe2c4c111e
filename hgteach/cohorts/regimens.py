"""The regimens of the simulated ART-HIV stand-in: what exists, how common, how strong.

The published tables give shares of single drugs, and of backbones given a companion drug, but no
list of whole regimens. The shares below are our own: a non-negative least-squares fit to those
tables and to the five correlations between the drug columns, over combinations that a clinician
could prescribe, rounded to one in a thousand. The effects are invented, in a plausible order:
they are the *truth* that a synthetic copy should still tell.
"""

from typing import NamedTuple

import numpy as np

from hgteach.cohorts.art_hiv import ART_HIV

NONE = "Not Applied"
COLUMNS = ["Base Drug Combo", "Comp. INI", "Comp. NNRTI", "Extra PI", "Extra pk-En"]


class Regimen(NamedTuple):
    """One combination of drugs, and its share among a thousand patient-months."""

    share: float
    backbone: str
    ini: str = NONE
    nnrti: str = NONE
    pi: str = NONE
    enhancer: str = "False"


class Effect(NamedTuple):
    """What the third agent of a regimen does in the simulator.

    Attributes:
        drop: how far viral load settles below the untreated level, in log10 copies/mL, while the
            regimen is taken and the virus is sensitive to it.
        resistance: the probability per month, while it is taken, that the virus becomes
            resistant; the drop then shrinks to ``LEFT_AFTER_RESISTANCE`` of itself.
    """

    drop: float
    resistance: float


TREATMENT_EFFECTS = {
    "DTG": Effect(3.6, 0.001),
    "EVG": Effect(3.4, 0.003),
    "DRV": Effect(3.3, 0.002),
    "RPV": Effect(3.2, 0.006),
    "RAL": Effect(3.1, 0.005),
    "EFV": Effect(3.0, 0.008),
    "ATV": Effect(2.8, 0.005),
    "NVP": Effect(2.6, 0.012),
    "LPV": Effect(2.5, 0.007),
    "none": Effect(2.2, 0.016),
}
LEFT_AFTER_RESISTANCE = 0.45

REGIMENS = (
    Regimen(211, "FTC + TDF", nnrti="RPV"),
    Regimen(176, "3TC + ABC", ini="DTG"),
    Regimen(134, "FTC + TDF", nnrti="EFV"),
    Regimen(91, "DRV + FTC + TDF", pi="RTVB"),
    Regimen(46, "3TC + ABC", pi="DRV"),
    Regimen(44, "FTC + TDF", ini="DTG"),
    Regimen(39, "FTC + TDF", ini="EVG", enhancer="True"),
    Regimen(34, "FTC + RTVB + TDF", pi="ATV"),
    Regimen(27, "FTC + TDF", ini="RAL"),
    Regimen(24, "DRV + FTC + TDF", pi="RTV"),
    Regimen(24, "3TC + ABC", nnrti="NVP"),
    Regimen(16, "3TC + ABC", nnrti="EFV"),
    Regimen(13, "FTC + TAF", ini="EVG", enhancer="True"),
    Regimen(13, "FTC + TDF", ini="EVG"),
    Regimen(12, "3TC + ABC", ini="RAL"),
    Regimen(8, "FTC + TAF", nnrti="RPV"),
    Regimen(8, "3TC + ABC", nnrti="RPV"),
    Regimen(8, "DRV + FTC + TDF"),
    Regimen(6, "FTC + TDF"),
    Regimen(5, "3TC + ABC"),
    Regimen(6, "DRV + FTC + TDF", pi="ATV"),
    Regimen(4, "DRV + FTC + TDF", pi="DRV"),
    Regimen(4, "DRV + FTC + TDF", pi="DRV", enhancer="True"),
    Regimen(4, "Other", pi="DRV"),
    Regimen(4, "Other", pi="DRV", enhancer="True"),
    Regimen(4, "FTC + TDF", nnrti="NVP"),
    Regimen(4, "FTC + RTVB + TDF", pi="RTVB"),
    Regimen(4, "3TC + ABC", pi="RTVB"),
    Regimen(4, "3TC + ABC", pi="ATV"),
    Regimen(4, "FTC + RTVB + TDF"),
    Regimen(1, "FTC + TDF", pi="ATV"),
    Regimen(4, "Other"),
    Regimen(3, "3TC + ABC", ini="EVG", enhancer="True"),
    Regimen(3, "FTC + TAF", ini="DTG"),
    Regimen(3, "DRV + FTC + TDF", ini="RAL"),
    Regimen(2, "FTC + TAF", pi="DRV"),
    Regimen(2, "FTC + TDF", ini="RAL", pi="DRV", enhancer="True"),
    Regimen(2, "Other", ini="DTG", nnrti="RPV"),
    Regimen(1, "FTC + TDF", pi="LPV"),
    Regimen(1, "3TC + ABC", pi="LPV"),
    Regimen(0.8, "FTC + RTVB + TDF", pi="LPV"),
)


def third_agent(regimen: Regimen) -> str:
    """Return the drug that decides the effect: the key of ``TREATMENT_EFFECTS``.

    An integrase inhibitor decides first, then an NNRTI, then a protease inhibitor. Darunavir may
    stand in the backbone, with only its booster (RTV, RTVB) listed beside it.
    """
    for drug in (regimen.ini, regimen.nnrti):
        if drug != NONE:
            return drug
    if regimen.pi in TREATMENT_EFFECTS:
        return regimen.pi
    return "DRV" if regimen.backbone.startswith("DRV") else "none"


def _codes() -> np.ndarray:
    """Return the published codes of every regimen, ``(regimens, 5)``."""
    code = [dict(zip(ART_HIV[c].levels, ART_HIV[c].codes, strict=True)) for c in COLUMNS]
    return np.array([[of[drug] for of, drug in zip(code, r[1:], strict=True)] for r in REGIMENS])


# One entry per regimen, in the order of REGIMENS.
CODES = _codes()
SHARE = np.array([r.share for r in REGIMENS]) / sum(r.share for r in REGIMENS)
HAS_PI = np.array([r.pi != NONE for r in REGIMENS])
HAS_LOPINAVIR = np.array([r.pi == "LPV" for r in REGIMENS])
DROP = np.array([TREATMENT_EFFECTS[third_agent(r)].drop for r in REGIMENS])
RESISTANCE = np.array([TREATMENT_EFFECTS[third_agent(r)].resistance for r in REGIMENS])
