"""Comparing a learner's answer with the expected one, and saying the difference in words."""

from __future__ import annotations

import reprlib
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import torch


class Wrong(Exception):
    """The answer is not right yet. The message says what differs and what to think about."""


def describe(value: object) -> str:
    """Name a value in a few words: a number, a short text, or the type and shape of an array."""
    kind = {"Tensor": "tensor", "ndarray": "array"}.get(type(value).__name__, type(value).__name__)
    kind = f"an {kind}" if kind == "array" else f"a {kind}"
    if isinstance(value, torch.Tensor | np.ndarray | pd.Series | pd.DataFrame) and value.ndim:
        return f"{kind} of shape {tuple(value.shape)}"
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    try:
        return reprlib.repr(value)
    except Exception:
        return kind


def same_shape(actual: Any, expected: Any, what: str = "", think: str = "") -> None:
    """Refuse an answer of another shape.

    Args:
        actual: the answer: anything with a shape, or nested lists of numbers.
        expected: the shape as a tuple, or an array of the right shape.
        what: what is compared, e.g. ``"the batch"``; leave it out for the result itself.
        think: a sentence that starts the learner thinking.
    """
    wanted = expected if isinstance(expected, tuple) else _array(expected).shape
    got = _array(actual)
    if got is None or (isinstance(actual, str) and wanted):
        _refuse(what, f"expected an array of shape {wanted}, got {describe(actual)}.", think)
    if got.shape != wanted:
        _refuse(what, f"expected shape {wanted}, got {got.shape}.", think)


def close(
    actual: Any,
    expected: Any,
    what: str = "",
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    think: str = "",
) -> None:
    """Refuse an answer that differs from ``expected`` (numbers: by more than a tolerance).

    Understands numbers, texts, booleans, tuples, lists and dictionaries of them, tensors, NumPy
    arrays, Series and DataFrames. A tensor, an array and a list of the same numbers are equal.
    """
    if isinstance(expected, pd.DataFrame | dict):
        parts = _same_names(actual, expected, what, think)
    elif isinstance(expected, tuple | list) and not isinstance(
        actual, torch.Tensor | np.ndarray | pd.Series
    ):
        got = len(actual) if isinstance(actual, tuple | list) else describe(actual)
        if got != len(expected):
            _refuse(what, f"expected {len(expected)} values, got {got}.", think)
        parts = range(len(expected))
    else:
        return _close_arrays(actual, expected, what, rtol, atol, think)
    for part in parts:
        name = f"{what}, part {part!r}" if what else f"part {part!r}"
        close(actual[part], expected[part], name, rtol=rtol, atol=atol, think=think)


def choose(answer: Any, right: str, refused: dict[str, str]) -> None:
    """Judge a multiple-choice answer; ``refused`` says of each wrong letter why it is not it."""
    letter = str(answer).strip().strip("().").lower()
    if letter in refused:
        raise Wrong(refused[letter])
    if letter != right:
        letters = ", ".join(repr(option) for option in sorted([right, *refused]))
        raise Wrong(f"expected one of {letters}, got {describe(answer)}.")


def _close_arrays(
    actual: Any, expected: Any, what: str, rtol: float, atol: float, think: str
) -> None:
    wanted, got = _array(expected), _array(actual)
    if wanted.ndim:
        same_shape(actual, wanted.shape, what, think)
    elif got is None or got.ndim:
        _refuse(what, f"expected a single value, got {describe(actual)}.", think)
    if wanted.dtype.kind in "biufc":
        if got.dtype.kind not in "biufc":
            _refuse(what, f"expected a number, got {describe(actual)}.", think)
        differs = ~np.isclose(got, wanted, rtol=rtol, atol=atol, equal_nan=True)
    else:
        differs = np.asarray(got.astype(object) != wanted.astype(object), dtype=bool)
    if differs.any() and not wanted.ndim:
        _refuse(what, f"expected {describe(expected)}, got {describe(actual)}.", think)
    if differs.any():
        first = tuple(int(i) for i in np.argwhere(differs)[0])
        where = f"{differs.sum():,} of {differs.size:,} values differ. The first is at {[*first]}"
        found = f"expected {describe(wanted[first])}, got {describe(got[first])}."
        _refuse(what, f"{where}: {found}", think)


def _same_names(actual: Any, expected: pd.DataFrame | dict, what: str, think: str) -> list:
    """Return the columns or keys, which must be the same in both."""
    kind, part = (dict, "key") if isinstance(expected, dict) else (pd.DataFrame, "column")
    if not isinstance(actual, kind):
        _refuse(what, f"expected a {kind.__name__}, got {describe(actual)}.", think)
    missing = [name for name in expected if name not in actual]
    extra = [name for name in actual if name not in expected]
    if missing or extra:
        words = [f"the {part} {missing[0]!r} is missing"] if missing else []
        words += [f"the {part} {extra[0]!r} is not expected"] if extra else []
        _refuse(what, f"{' and '.join(words)}.", think)
    return list(expected)


def _array(value: Any) -> np.ndarray | None:
    """Return the value as a NumPy array, or None where it is no array of numbers or texts."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy()
    if isinstance(value, pd.Series | pd.DataFrame):
        return np.asarray(value)
    try:
        array = np.asarray(value)
    except Exception:
        return None
    return array if array.dtype.kind != "O" or isinstance(value, np.ndarray) else None


def _refuse(what: str, text: str, think: str) -> NoReturn:
    raise Wrong(f"{what}: {text} {think}".removeprefix(": ").rstrip())
