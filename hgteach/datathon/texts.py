"""What participants and organisers read on paper."""

from __future__ import annotations

from hgteach.cohorts.art_hiv import MONTHS
from hgteach.datathon import rules as r


def brief(rules: r.Rules) -> str:
    """Return the participants' brief."""
    columns = ", ".join(f"`{name}`" for name in ("PatientID", "Timestep", *r.COHORT_SCHEMA.names))
    return f"""# Datathon: two tasks, one day

**The data.** {rules.provenance}. {rules.training:,} training patients on antiretroviral therapy for
HIV, {MONTHS} months each (`data/training.csv`), and {rules.test:,} test patients of whom you have
the first {rules.known} months (`data/test.csv`), in the layout of the Health Gym file. The numbers
of the patients say nothing about them.

## Hand in

**Task 1, `{r.PREDICTION}`.** For each test patient the probability that the virus is suppressed
(viral load below {r.GOAL.threshold:,.0f} copies/mL) in month {rules.month}, {rules.ahead} months
after the last month that you see. Months count from 0. Columns `PatientID` and `{r.ANSWER}` (0 to
1), one row for each of the {rules.test:,} patients, in any order. Judged by the AUC.

**Task 2, `{r.COHORT}`.** {rules.cohort} synthetic patients, numbered 0 to {rules.cohort - 1},
{MONTHS} months each (`Timestep` 0 to {MONTHS - 1}), with the columns {columns}; codes or labels.
Judged by hgteach's measures of realism and utility against people whom you never saw, from 0 to
100 points. A cohort that gives training or test patients away lies below the *privacy floor* and
is not ranked; you are told why.

Check before you hand in, in this folder: `hgteach datathon check {r.PREDICTION} {r.COHORT}`. Start
from `baseline.ipynb`; it makes both files in about ten seconds.

## Rules

- {rules.attempts} files a team and day are scored in each task. The day's board is rounded and
  uses one half of the test patients; the other half decides at the end. Your last file counts.
- Any method, any library, any generator that you trained or that comes with the course.
- Not allowed: handing in training or test patients as synthetic ones, changed or not; real
  identifiers; the course's *simulator* or its output, in either task (the data come from it, so
  it would be the answer, not a model); labels that you did not predict.
- Who wants the prize shows the code, and it makes the file again.

## Timetable

| | |
|---|---|
| 9:00 | Welcome; ethics; who is in these data, who is missing |
| 9:45 | Baseline runs on every laptop; first files handed in |
| 10:30 | First board, then one every half hour |
| 12:30 | Lunch |
| 13:15 | The board, read together: who leads, who is tied? |
| 15:30 | Last files; then a page of memo: may your cohort be used, for what, and who is missing? |
| 16:00 | Five minutes a team, with code |
| 17:00 | Private scores; the prize for the best files, and one for the most honest memo |
| 17:30 | End |

## Ethics

Nobody in the simulated stand-in is a real person, and nothing may be concluded from it about HIV or
its treatment. Behave as if they were: that is what you practise. Do not try to find people. Do not
put confidential data of your own into a submission. Speak of patients, not of cases. A model that
errs more often for a small group is worse, even where the AUC does not see it; say whom yours
serves badly. A cohort above the floor is not safe: only these attacks failed.

## Read the board

Scores come with 95 % intervals and the range of places that chance leaves open. Two teams whose
ranges overlap may well be equally good.
"""


def organisers_page(rules: r.Rules) -> str:
    """Return the organisers' page."""
    return f"""# For organisers only

This folder holds the answers. Keep it off every machine and share that participants can read.

- `secret.json`: 256 random bits. Whoever has them can make all of the data again, answers included.
  Keep them until the prize is given, to show that nothing was changed.
- `public_test.csv`, `private_test.csv`: the whole courses of the test patients. Publish neither.
- `attempts.json`, `scores/`: which files were scored when, and every finished score.
- `teams.txt`, if you write one: the names of the teams, one a line. Then nobody else is scored, and
  nobody gets more attempts under a second name. We advise it.

Before: give out `participants/`. Have each team check that `baseline.ipynb` runs.

On the day: put each team's files into `submissions/TEAM/{r.PREDICTION}` and
`submissions/TEAM/{r.COHORT}`. Then, as often as you like: `hgteach datathon score FOLDER`, and show
`leaderboard.html`. {rules.attempts} files a team, task and day are scored.

At the end: `hgteach datathon score FOLDER --final` writes `leaderboard-final.html`. Ask the winners
for their code: that somebody used the simulator cannot be seen from a file.
"""
