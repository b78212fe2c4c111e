"""A one-day datathon: set it up, check what teams hand in, and rank it honestly."""

from hgteach.datathon.checking import check
from hgteach.datathon.organising import init
from hgteach.datathon.rounds import score

__all__ = ["check", "init", "score"]
