"""The baseline notebook that a datathon is handed out with: not executed, offline, ten seconds."""

from __future__ import annotations

import json

from hgteach.datathon import rules as r

FEATURES = '''import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from hgteach import datathon
from hgteach.cohorts.art_hiv import EXAMPLE_VARIABLES

training, test = pd.read_csv("data/training.csv"), pd.read_csv("data/test.csv")
print(training["PatientID"].nunique(), "training patients,", test["PatientID"].nunique(), "test")
training.head()'''
OUTCOME = '''LAST, LATER = {last}, {month}  # the last month that we see, and the one to foresee
later = training[training["Timestep"] == LATER].set_index("PatientID")
suppressed = later["VL"] < 1000
print(f"{{suppressed.mean():.0%}} of the training patients are suppressed in month {{LATER}}")'''
PREDICT = '''def summary(table):
    """One row a patient: what the last months say."""
    past = table[table["Timestep"] <= LAST]
    last = past[past["Timestep"] == LAST].set_index("PatientID").drop(columns="Timestep")
    logs = np.log10(past.pivot(index="PatientID", columns="Timestep", values="VL").clip(lower=1))
    year, change = logs.iloc[:, -12:].mean(axis=1), logs.iloc[:, -1] - logs.iloc[:, -7]
    return last.assign(mean_vl=year, change=change)


x = summary(training)
trees = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, random_state=0)
trees.fit(x, suppressed.loc[x.index])
known = summary(test)
chance = trees.predict_proba(known)[:, 1]
prediction = pd.DataFrame({"PatientID": known.index, "suppressed": chance})
prediction.to_csv("prediction.csv", index=False)
print(datathon.check("prediction.csv"))'''
MAKE = '''from hgteach import ART_HIV, Generator, train
from hgteach.training.shipped import shipped

N, RETRAIN = {cohort}, False
schema, folder = ART_HIV.select(EXAMPLE_VARIABLES), shipped("v2.5")
if folder and not RETRAIN:
    generator = Generator.load(folder)
else:
    people = training[training["PatientID"].isin(suppressed.index[:200])]
    columns = ["PatientID", "Timestep", *EXAMPLE_VARIABLES]
    generator = train("v1", schema.label(people[columns]), schema, epochs=10, seed=0)
cohort = generator.generate(N, seed=0)
cohort.round(2).to_csv("cohort.csv", index=False)
print(cohort.attrs["provenance"])
print(datathon.check("cohort.csv"))'''


def baseline_notebook(rules: r.Rules) -> str:
    """Return the notebook as the text of its file."""
    last = rules.known - 1
    cells = [
        ("markdown", f"# Baseline\n\n{rules.provenance}.\n\nRun all cells in the folder of "
         "`BRIEF.md`; it takes about ten seconds and no network. It writes one file for each "
         "task and checks both. Then improve one thing."),
        ("code", FEATURES),
        ("markdown", "## Task 1: prediction\n\nWho is suppressed six months on? Boosted trees, and "
         "a summary of what is known. What in a patient's past does it leave out?"),
        ("code", OUTCOME.format(last=last, month=rules.month)),
        ("code", PREDICT),
        ("markdown", "## Task 2: a synthetic cohort\n\nA generator that comes with the course. It "
         "learnt from 300 *other* simulated people, so it cannot give yours away, and has not seen "
         "them either. `RETRAIN = True` trains v1 on 200 of yours for a minute (roughly; more "
         "people and epochs take longer and do better)."),
        ("code", MAKE.format(cohort=rules.cohort)),
        ("markdown", "## Hand in\n\nGive `prediction.csv` and `cohort.csv` to the organisers, as "
         "`submissions/YOUR-TEAM/`."),
    ]  # fmt: skip
    made = []
    for position, (kind, text) in enumerate(cells):
        cell = {"cell_type": kind, "id": f"cell-{position}", "metadata": {},
                "source": text.splitlines(keepends=True)}  # fmt: skip
        made.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4,
                "nbformat_minor": 5}  # fmt: skip
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
