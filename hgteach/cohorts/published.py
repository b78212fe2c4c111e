"""What is published about the ART-for-HIV file: the targets that the stand-in is held to.

Health Gym v2, the open file of 8,916 patients x 60 months (Kuo et al.; Figshare,
doi 10.6084/m9.figshare.22827878). The file itself is not needed: these are summaries that others
printed or drew. Each carries a grade, because a pixel read off a bar is not a printed number:

    A  printed text or code, exact
    B  read off a published figure (bars +-.01 to .02, correlations +-.02)
    C  worked out from something printed

Categories stand in code order. ``BACKBONES`` shortens Base Drug Combo, whose codes are 0 to 5.
"""

from typing import NamedTuple

# Pooled over all patient-months. VL in copies/mL, CD4 and Rel CD4 in cells/uL (as published).
SUMMARIES = {
    "VL": {"minimum": 0.10, "quartile 1": 10.49, "median": 38.78, "mean": 7041.12,
           "quartile 3": 778.27, "maximum": 97566.41},
    "CD4": {"minimum": 7.96, "quartile 1": 272.85, "median": 466.40, "mean": 823.08,
            "quartile 3": 859.44, "maximum": 42475.20},
    "Rel CD4": {"minimum": 1.871, "quartile 1": 17.462, "median": 27.734, "mean": 36.353,
                "quartile 3": 44.152, "maximum": 586.635},
}  # fmt: skip

# The lopinavir bar is lower than .003, too short to measure: .002 stands for it.
SHARES = {
    "Gender": (0.863, 0.137),
    "Ethnic": (0.021, 0.119, 0.214, 0.646),
    "Base Drug Combo": (0.483, 0.292, 0.026, 0.138, 0.047, 0.014),
    "Comp. INI": (0.226, 0.043, 0.070, 0.660),
    "Comp. NNRTI": (0.029, 0.151, 0.231, 0.589),
    "Extra PI": (0.062, 0.100, 0.002, 0.025, 0.047, 0.766),
    "Extra pk-En": (0.9331, 0.0669),
}
RECORDED = {"VL (M)": 0.1309, "CD4 (M)": 0.1552, "Drug (M)": 0.7768}

ETHNIC_GIVEN_GENDER = {"Male": (0.01, 0.07, 0.24, 0.69), "Female": (0.07, 0.43, 0.10, 0.40)}
FEMALE_GIVEN_ETHNIC = {"Asian": 0.47, "African": 0.50, "Caucasian": 0.06, "Other": 0.09}
OTHER_GIVEN_DRUG_RECORDED = {"False": 0.81, "True": 0.61}

# P(Base Drug Combo | another component), codes 0 to 5. The rows are bars, so they sum to about 1.
BACKBONE_GIVEN = {
    ("Comp. INI", "DTG"): (0.20, 0.78, 0.01, 0, 0, 0.01),
    ("Comp. INI", "RAL"): (0.64, 0.28, 0, 0.07, 0, 0),
    ("Comp. INI", "EVG"): (0.74, 0.05, 0.17, 0.01, 0, 0.03),
    ("Comp. INI", "Not Applied"): (0.54, 0.15, 0.01, 0.21, 0.06, 0.03),
    ("Comp. NNRTI", "NVP"): (0.15, 0.85, 0, 0, 0, 0),
    ("Comp. NNRTI", "EFV"): (0.89, 0.11, 0, 0, 0, 0),
    ("Comp. NNRTI", "RPV"): (0.91, 0.04, 0.03, 0.01, 0.01, 0),
    ("Comp. NNRTI", "Not Applied"): (0.21, 0.40, 0.02, 0.23, 0.07, 0.02),
    ("Extra PI", "DRV"): (0, 0.71, 0.04, 0.13, 0, 0.13),
    ("Extra PI", "RTVB"): (0.01, 0.04, 0, 0.90, 0.05, 0),
    ("Extra PI", "LPV"): (0.35, 0.33, 0, 0.04, 0.28, 0.01),
    ("Extra PI", "RTV"): (0, 0.01, 0, 0.96, 0.03, 0),
    ("Extra PI", "ATV"): (0.03, 0.10, 0.01, 0.10, 0.76, 0),
    ("Extra PI", "Not Applied"): (0.62, 0.31, 0.04, 0.01, 0.01, 0.01),
    ("Extra pk-En", "True"): (0.63, 0.03, 0.21, 0.07, 0, 0.06),
}

EVER_CHANGE_REGIMEN = 0.6383
VIRAEMIC_AT_ENTRY = 0.629  # VL above 1,000 copies/mL in month 0
LOW_CD4_AT_ENTRY = 0.441  # CD4 below 500 cells/uL in month 0


class Correlation(NamedTuple):
    """Correlations of the released data between two columns: over all rows, of the patients'
    straight lines (trend), and of what remains around those lines (cycle)."""

    first: str
    second: str
    static: float
    trend: float
    cycle: float


CORRELATIONS = (
    Correlation("VL", "CD4", -0.07, -0.50, 0.16),
    Correlation("VL", "Rel CD4", -0.12, -0.67, -0.19),
    Correlation("CD4", "Rel CD4", 0.73, 0.77, 0.42),
    Correlation("VL", "VL (M)", 0.01, 0.54, 0.09),
    Correlation("VL", "CD4 (M)", 0.09, 0.75, 0.15),
    Correlation("VL", "Drug (M)", -0.62, -0.67, -0.38),
    Correlation("CD4", "Drug (M)", 0.10, 0.40, 0.06),
    Correlation("VL (M)", "CD4 (M)", 0.75, 0.65, 0.69),
    Correlation("CD4", "VL (M)", -0.08, -0.50, -0.03),
    Correlation("Base Drug Combo", "Extra PI", -0.57, -0.10, -0.08),
    Correlation("Base Drug Combo", "Comp. NNRTI", 0.43, 0.06, 0.08),
    Correlation("Comp. INI", "Comp. NNRTI", -0.43, -0.10, -0.08),
    Correlation("Comp. NNRTI", "Extra PI", -0.40, 0.01, -0.05),
    Correlation("Comp. INI", "Extra PI", -0.31, -0.12, -0.08),
    Correlation("Comp. NNRTI", "Extra pk-En", 0.18, 0.03, 0.03),
    Correlation("Gender", "Ethnic", -0.33, 0.0, 0.0),
    Correlation("Ethnic", "Extra PI", 0.37, 0.02, 0.0),
)
