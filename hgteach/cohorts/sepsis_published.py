"""What is published about the sepsis cohort: the targets that the stand-in is held to.

All figures are of the *real* patients behind Health Gym (Kuo et al. 2022, doi
10.1038/s41597-022-01784-7; a cohort from MIMIC-III, built after Komorowski et al. 2018), not of
the synthetic file. All were read off published figures (grade B): quartiles within about 3 %,
bars within .01, correlations within .02. Curves drawn by a kernel smear what is heavy-tailed, so
low quantiles of such columns are rough. ``INVENTED`` and ``BOUNDS`` are not published: they are
ours, chosen so that a clinician would not frown.
"""

# First quartile, median, third quartile, over all patients and steps. Units: see the schema.
QUARTILES = {
    "Age": (54, 66, 77),
    "HR": (75, 86, 98),
    "SysBP": (104, 118, 134),
    "MeanBP": (69, 77, 87),
    "DiaBP": (48, 56, 66),
    "RR": (17, 20, 24),
    "K": (3.7, 4.0, 4.4),
    "Na": (136, 139, 142),
    "Cl": (101, 105, 109),
    "Ca": (7.8, 8.3, 8.8),
    "IonisedCa": (1.08, 1.13, 1.18),
    "CO2": (22, 25, 29),
    "Albumin": (2.5, 3.0, 3.5),
    "Hb": (9.1, 10.2, 11.4),
    "pH": (7.35, 7.40, 7.44),
    "BE": (-2.2, 0.2, 2.9),
    "HCO3": (21, 24, 27),
    "FiO2": (0.35, 0.42, 0.52),
    "Glucose": (107, 128, 156),
    "BUN": (14, 23, 37),
    "Creatinine": (0.67, 0.99, 1.5),
    "Mg": (1.8, 2.0, 2.2),
    "TotalBili": (0.2, 0.9, 1.9),
    "WbcCount": (7, 11, 15),
    "PlateletsCount": (134, 200, 285),
    "PaO2": (80, 106, 146),
    "PaCO2": (35, 40, 46),
    "Lactate": (1.1, 1.6, 2.3),
    "InputTotal": (1000, 5000, 10000),
    "Input4H": (0, 80, 330),
    "OutputTotal": (200, 2000, 5000),
    "Output4H": (45, 200, 410),
}

# Of the liver enzymes only the mode can be read (37 and 31 u/L). MaxVaso is "nearly always 0, with
# a tail to 10". Nothing is published of what the first quartile of Input4H is, but about 0.
INVENTED = {"SGOT": (34, 54, 98), "SGPT": (28, 46, 82), "Input4H": (8, 80, 330)}
MODES = {"SGOT": 37, "SGPT": 31}

# The limits within which the stand-in's numbers are held; they are kept softly.
BOUNDS = {
    "Age": (18, 91), "HR": (30, 190), "RR": (5, 55), "K": (2, 8), "Na": (110, 172),
    "Cl": (78, 140), "Ca": (4.5, 14), "IonisedCa": (0.6, 1.9), "CO2": (5, 52),
    "Albumin": (1, 5.5), "Hb": (4.5, 18), "HCO3": (5, 48), "FiO2": (0.2, 1.02),
    "Glucose": (30, 700), "BUN": (2, 190), "Creatinine": (0.1, 13), "Mg": (0.8, 5),
    "SGOT": (5, 6000), "SGPT": (3, 5000), "TotalBili": (0.05, 40), "WbcCount": (0.2, 80),
    "PlateletsCount": (5, 900), "PaO2": (30, 520), "PaCO2": (15, 110), "Lactate": (0.3, 20),
    "Input4H": (0, 2600), "Output4H": (0, 2500),
}  # fmt: skip

# Shares of the levels in code order. The bars of GCS add up to 1.02: they are read off pixels.
GCS = (0.05, 0.01, 0.01, 0.04, 0.03, 0.03, 0.05, 0.07, 0.07, 0.03, 0.04, 0.13, 0.46)
SHARES = {"Gender": (0.55, 0.45), "ReAd": (0.66, 0.34), "Mech": (0.63, 0.37), "GCS": GCS}

# Ten classes between deciles hold a tenth each (grade C: that follows from what a decile is). INR
# has ties, such as 1.2 and 1.3: its fourth class is empty, and where its share went is our guess.
DECILES = {
    "SpO2": (0.1,) * 10,
    "Temp": (0.1,) * 10,
    "PTT": (0.1,) * 10,
    "PT": (0.1,) * 10,
    "INR": (0.1, 0.1, 0.1, 0, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1),
}

CORRELATIONS = {
    ("INR", "PT"): 0.96,
    ("SGOT", "SGPT"): 0.86,
    ("MeanBP", "DiaBP"): 0.77,
    ("MeanBP", "SysBP"): 0.70,
    ("Na", "Cl"): 0.67,
    ("CO2", "BE"): 0.66,
    ("CO2", "HCO3"): 0.63,
    ("BUN", "Creatinine"): 0.59,
    ("BE", "pH"): 0.55,
    ("PaCO2", "pH"): -0.37,
    ("GCS", "Mech"): -0.48,
}
TRENDS = {("InputTotal", "OutputTotal"): 0.90, ("PlateletsCount", "InputTotal"): -0.57}
