import numpy as np
import pandas as pd
import pytest
import torch

from hgteach.errors import InputError
from hgteach.schema import Column, Schema
from hgteach.sequences import (
    count_timesteps,
    curriculum_lengths,
    curriculum_loaders,
    from_sequences,
    to_sequences,
)

SCHEMA = Schema("s", "who", "when", (Column("x", "real"), Column("y", "real")))


def table(patients=4, timesteps=3) -> pd.DataFrame:
    people = [f"p{9 - i}" for i in range(patients)]  # not in alphabetical order, on purpose
    rows = [(p, t, 10.0 * i + t) for i, p in enumerate(people) for t in range(timesteps)]
    return pd.DataFrame(rows, columns=["who", "when", "x"]).assign(y=lambda d: -d["x"])


@pytest.mark.parametrize("library", [np.asarray, torch.tensor])
def test_every_patient_gets_their_own_months_in_order(library):
    matrix = library(table()[["x", "y"]].to_numpy())
    x = to_sequences(matrix, table(), SCHEMA)
    assert tuple(x.shape) == (4, 3, 2) and isinstance(x, type(matrix))
    assert x[2, :, 0].tolist() == [20, 21, 22] and x[3, 1].tolist() == [31, -31]
    assert (from_sequences(x) == matrix).all()


def test_no_number_is_copied():
    matrix = table()[["x", "y"]].to_numpy()
    assert np.shares_memory(to_sequences(matrix, table(), SCHEMA), matrix)


def test_one_patient_and_one_month_are_sequences_too():
    assert count_timesteps(table(patients=1), SCHEMA) == 3
    assert count_timesteps(table(timesteps=1), SCHEMA) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.sort_values("when"), "not in order"),
        (lambda d: d.iloc[::-1], "not in order"),
        (lambda d: d.iloc[:-1], "equally long"),
        (lambda d: d.assign(when=0), "not in order"),
        (lambda d: d.assign(when=d["when"] + (d["who"] == "p7")), "same values of 'when'"),
        (lambda d: d.head(0), "no rows"),
        (lambda d: d.drop(columns="who"), "no column 'who'"),
        (lambda d: d.assign(who=d["who"].where(d["x"] != 11)), "Row 4 has no 'who'"),
    ],
)
def test_rows_that_a_reshape_would_mix_up_are_refused(change, words):
    wrong = change(table())
    with pytest.raises(InputError, match=words):
        to_sequences(np.zeros((len(wrong), 2)), wrong, SCHEMA)


def test_a_matrix_of_another_table_is_refused():
    with pytest.raises(InputError, match="11 rows and the table 12"):
        to_sequences(np.zeros((11, 2)), table(), SCHEMA)


def test_curriculum_lengths():
    assert curriculum_lengths(60) == [10, 20, 30, 40, 50, 60]
    assert curriculum_lengths(5) == [2, 3, 4, 5]
    for timesteps in range(1, 200):
        lengths = curriculum_lengths(timesteps)
        assert lengths == sorted(set(lengths)) and len(lengths) <= 6
        assert lengths[-1] == timesteps and lengths[0] >= min(2, timesteps)


@pytest.mark.parametrize(("patients", "batch_size"), [(300, 256), (300, 100), (7, 2), (3, 256)])
def test_every_patient_is_seen_once_an_epoch_at_every_length(patients, batch_size):
    x = torch.arange(patients * 6.0).reshape(patients, 6, 1)
    for length, loader in curriculum_loaders(x, [2, 4, 6], batch_size).items():
        batches = list(loader)
        sizes = [len(batch) for batch in batches]
        assert len(batches) == len(loader) and max(sizes) <= batch_size
        assert max(sizes) - min(sizes) <= 1
        together = torch.cat(batches)
        in_order = together[together[:, 0, 0].argsort()]
        assert torch.equal(in_order, x[:, :length])


def test_the_generator_decides_the_order():
    x = torch.arange(500.0).reshape(50, 10, 1)

    def epochs(seed):
        loader = curriculum_loaders(x, [5], 16, torch.Generator().manual_seed(seed))[5]
        return [torch.cat(list(loader))[:, 0, 0] for _ in range(2)]

    first, second = epochs(0)
    assert not torch.equal(first, second)
    assert all(map(torch.equal, epochs(0), epochs(0)))
    assert not torch.equal(first, epochs(1)[0])


@pytest.mark.parametrize(("lengths", "size"), [([0], 4), ([7], 4), ([], 4), ([3], 0)])
def test_impossible_loaders_are_refused(lengths, size):
    with pytest.raises(InputError):
        curriculum_loaders(torch.zeros(5, 6, 1), lengths, size)
