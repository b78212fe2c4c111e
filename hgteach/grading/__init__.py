"""Grading a class: every notebook in a process of its own, every mark decided outside of it.

**How a mark is decided.** Three processes, and the learner's code runs in the last one only:

- the *grader* (:mod:`hgteach.grading.marking`) finds the notebooks, keeps the clock, and writes
  the CSV file and the pages. It never runs a check and never reads an output of a notebook;
- a *judge* (:mod:`hgteach.grading.judge`), one a notebook, runs the course's own checks;
- a *runner* (:mod:`hgteach.grading.runner`) runs the cells and keeps the learner's answers. The
  judge sends it the inputs of a check and gets back what the learner's function returned, as
  plain data (:mod:`hgteach.grading.wire`), never as a pickle.

So there is no verdict in the learner's process to forge: printing one, patching
``hgteach.course.check`` or writing to the channel changes nothing but that notebook's results.

**What is defended, and what is not.** On Linux with ``unshare`` and user namespaces, the runner
has no network, sees only its own processes, can write only to a small folder in memory, and finds
the class's folder and the results empty (:mod:`hgteach.grading.confine`). Elsewhere it is an
ordinary process with limits, in a folder of its own: it is killed with its children when it takes
too long or too much memory, and Python's own way to the network is closed, but code written to do
harm could read, change or kill whatever the person who grades could. The CSV file and every page
say which of the two held. In both cases: the worked solutions are part of the course, so an answer
may be copied from them (the remark says when a cell asks for one); a time or memory limit that is
too small costs marks; and a fault in the operating system is a fault here. Do not grade as the
administrator of a machine; for strangers' code use a machine that holds nothing else.
"""

from __future__ import annotations

from hgteach.grading.marking import Grade, grade

__all__ = ["Grade", "grade"]
