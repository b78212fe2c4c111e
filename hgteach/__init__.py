"""hgteach: how synthetic longitudinal health records are made, judged and used.

Names are imported when first used, so that ``hgteach --help`` and ``hgteach data check`` answer
at once instead of waiting for PyTorch.
"""

from importlib import import_module

__version__ = "0.1.0"

_HOME_OF = {
    "InputError": "hgteach.errors",
    "Column": "hgteach.schema",
    "Schema": "hgteach.schema",
    "ART_HIV": "hgteach.cohorts.art_hiv",
    "load_art_hiv": "hgteach.cohorts.art_hiv",
    "SEPSIS": "hgteach.cohorts.sepsis",
    "load_sepsis": "hgteach.cohorts.sepsis",
    "HYPOTENSION": "hgteach.cohorts.hypotension",
    "load_hypotension": "hgteach.cohorts.hypotension",
    "Preprocessor": "hgteach.preprocess",
    "to_sequences": "hgteach.sequences",
    "FeatureEmbedding": "hgteach.embedding",
    "train": "hgteach.training",
    "Generator": "hgteach.training",
    "evaluate": "hgteach.evaluation",
}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> object:
    """Import a public name from its module on first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'hgteach' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the lazy names too, so that tab completion finds them."""
    return sorted(__all__)
