"""What travels between judge and runner: framed JSON, and plain data made from it.

The judge reads answers of code that it does not trust. So nothing here is a pickle: an answer is
numbers, texts, arrays, tensors, tables and collections of them; anything else arrives as
:class:`Opaque`, which no check takes for an answer.
"""

from __future__ import annotations

import base64
import io
import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import torch

LARGEST = 64 * 2**20  # bytes of one message
PLAIN = (bool, int, float, str, type(None))


@dataclass(repr=False)
class Opaque:
    """A thing that cannot travel; only how it called itself does."""

    name: str

    def __repr__(self) -> str:
        """Return what checks and learners read."""
        return f"an object of type {self.name}"


def send(stream: BinaryIO, message: dict) -> None:
    """Write one message: its length, then JSON."""
    body = json.dumps(message).encode()
    stream.write(struct.pack(">Q", len(body)) + body)
    stream.flush()


def receive(stream: BinaryIO) -> dict:
    """Read one message.

    Raises:
        EOFError: the other side is gone.
        ValueError: what came is too long, or no message.
    """
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError
    length = struct.unpack(">Q", head)[0]
    if length > LARGEST:
        raise ValueError(f"a message of {length:,} bytes")
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    try:
        message = json.loads(body)
    except RecursionError:
        raise ValueError("a message nested too deeply") from None
    if not isinstance(message, dict):
        raise ValueError("a message that is no dictionary")
    return message


def encode(value: Any, depth: int = 0) -> Any:
    """Turn a value into what JSON can carry."""
    if depth > 20:
        return ["opaque", "a collection nested too deeply"]
    if type(value) in PLAIN:
        return value
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, list | tuple | set | frozenset):
        kind = next(k for k in (list, tuple, set, frozenset) if isinstance(value, k))
        return [kind.__name__, [encode(v, depth + 1) for v in value]]
    if isinstance(value, dict):
        return ["dict", [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]]
    if isinstance(value, torch.Tensor):
        plain = value.detach().cpu()
        exact = plain.float() if plain.dtype in (torch.bfloat16, torch.float16) else plain
        return ["tensor", str(plain.dtype).split(".")[-1], _array(exact.numpy())]
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind == "O":
            return ["objects", value.shape, [encode(v, depth + 1) for v in value.ravel()]]
        return ["scalar" if isinstance(value, np.generic) else "array", _array(np.asarray(value))]
    if isinstance(value, pd.Series):
        return ["series", encode(value.name), _column(value.index), _column(value)]
    if isinstance(value, pd.DataFrame):
        columns = [_column(value.iloc[:, i]) for i in range(value.shape[1])]
        return ["table", [encode(c) for c in value.columns], _column(value.index), columns]
    return ["opaque", type(value).__name__[:80]]


def decode(coded: Any) -> Any:
    """Rebuild a value.

    Raises:
        ValueError, TypeError, KeyError, IndexError: the message was not made by :func:`encode`.
    """
    if isinstance(coded, PLAIN):
        return coded
    kind, *rest = coded
    if kind in ("list", "tuple", "set", "frozenset"):
        made = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind]
        return made(decode(v) for v in rest[0])
    if kind == "dict":
        return {decode(k): decode(v) for k, v in rest[0]}
    if kind == "complex":
        return complex(*rest)
    if kind in ("array", "scalar"):
        array = _unarray(rest[0])
        return array[()] if kind == "scalar" else array
    if kind == "objects":
        array = np.empty(len(rest[1]), dtype=object)
        array[:] = [decode(v) for v in rest[1]]
        return array.reshape(rest[0])
    if kind == "tensor":
        dtype = getattr(torch, rest[0])
        return torch.from_numpy(np.array(_unarray(rest[1]))).to(dtype)
    if kind == "series":
        return pd.Series(
            _uncolumn(rest[2]), index=pd.Index(_uncolumn(rest[1])), name=decode(rest[0])
        )
    if kind == "table":
        columns = {i: _uncolumn(column) for i, column in enumerate(rest[2])}
        table = pd.DataFrame(columns, index=pd.Index(_uncolumn(rest[1])))
        return table.set_axis([decode(c) for c in rest[0]], axis=1)
    return Opaque(str(rest[0]))


def _array(array: np.ndarray) -> str:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return base64.b64encode(file.getvalue()).decode()


def _unarray(text: str) -> np.ndarray:
    return np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)


def _column(values: pd.Series | pd.Index) -> list:
    """Encode one column or an index: numbers as an array, categories with their codes."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        held = pd.Categorical(values)
        return ["category", _array(held.codes), encode(list(held.categories)), held.ordered]
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufcmM":
        return ["numbers", _array(values.to_numpy())]
    texts = pd.api.types.is_string_dtype(values.dtype)
    return ["text" if texts else "mixed", encode(list(values))]


def _uncolumn(coded: list) -> Any:
    kind, *rest = coded
    if kind == "category":
        return pd.Categorical.from_codes(_unarray(rest[0]), decode(rest[1]), ordered=rest[2])
    if kind == "numbers":
        return _unarray(rest[0])
    # Without a dtype pandas finds texts by itself; for the rest it should not look.
    return pd.Series(decode(rest[0]), dtype=None if kind == "text" else object).array
