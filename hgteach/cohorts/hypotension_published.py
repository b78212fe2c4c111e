"""What is published about the *real* acute-hypotension patients: the targets of the stand-in.

All of it was read by pixel off the figures of the Health Gym paper (Kuo et al. 2022,
doi 10.1038/s41597-022-01784-7) and its repository, so every figure has grade B: shares +-.01,
correlations +-.02, quartiles about 3 %. They describe the MIMIC-III patients behind the released
file, not that file. Classes stand in code order.
"""

QUARTILES = {
    "MAP": (61, 68, 76),
    "diastolic_bp": (47, 54, 62),
    "systolic_bp": (96, 107, 120),
    "urine": (45, 78, 126),
    "ALT": (25, 46, 76),
    "AST": (34, 70, 116),
    "PO2": (94, 101, 106),
    "lactic_acid": (1.2, 1.7, 1.9),
    "serum_creatinine": (0.74, 1.1, 1.8),
}

SHARES = {
    "fluid_boluses": (0.975, 0.0, 0.012, 0.013),
    "vasopressors": (0.83, 0.09, 0.04, 0.04),
    "FiO2": (0, 0, 0.05, 0.16, 0.64, 0.04, 0.02, 0.01, 0.01, 0.06),
    "GCS_total": (0.04, 0, 0, 0.02, 0.03, 0.04, 0.04, 0.07, 0.04, 0.01, 0.03, 0.12, 0.56),
}

MEASURED = {
    "urine_m": 0.44,
    "ALT_AST_m": 0.02,
    "FiO2_m": 0.11,
    "GCS_total_m": 0.22,
    "PO2_m": 0.04,
    "lactic_acid_m": 0.04,
    "serum_creatinine_m": 0.07,
}

# Pearson's, over all patient-hours, of plain values; classes as codes 0, 1, 2 … All pairs from .20.
CORRELATIONS = {
    ("MAP", "diastolic_bp"): 0.84,
    ("MAP", "systolic_bp"): 0.67,
    ("diastolic_bp", "systolic_bp"): 0.44,
    ("ALT", "AST"): 0.82,
    ("ALT", "lactic_acid"): 0.25,
    ("AST", "lactic_acid"): 0.34,
    ("lactic_acid", "vasopressors"): 0.27,
    ("lactic_acid", "GCS_total"): -0.22,
    ("vasopressors", "GCS_total"): -0.32,
    ("GCS_total", "FiO2_m"): -0.29,
    ("GCS_total", "PO2_m"): -0.23,
    ("FiO2_m", "GCS_total_m"): 0.22,
    ("PO2_m", "lactic_acid_m"): 0.60,
    ("ALT_AST_m", "serum_creatinine_m"): 0.53,
    ("lactic_acid_m", "serum_creatinine_m"): 0.20,
}
