"""Published quartiles become a smooth rising curve that keeps them, and its bounds."""

import numpy as np
import pytest
from scipy.special import ndtri

from hgteach.cohorts.quartiles import QUARTER, Quartiles
from hgteach.errors import InputError

SHAPES = {
    "log": Quartiles(25, 46, 76, lower=0),
    "logit": Quartiles(0.35, 0.42, 0.52, 0.2, 1.0),
    "plain": Quartiles(-2.2, 0.2, 2.9),
    "very skewed": Quartiles(0.2, 0.9, 1.9, 0, 60),
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_draws_have_the_quartiles_that_were_asked_for(name):
    shape = SHAPES[name]
    drawn = shape.of(np.random.default_rng(0).standard_normal(200_000))
    spread = shape.q75 - shape.q25
    wanted = [shape.q25, shape.median, shape.q75]
    assert np.allclose(np.quantile(drawn, [0.25, 0.5, 0.75]), wanted, atol=0.02 * spread)
    exact = shape.of([-QUARTER, 0, QUARTER])
    assert np.allclose(exact, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_curve_rises_smoothly_and_stays_within_its_bounds(name):
    shape, z = SHAPES[name], np.linspace(-4.5, 4.5, 4001)
    values = shape.of(z)
    steps = np.diff(values)
    assert (steps > 0).all()
    assert (np.abs(np.diff(steps)) < 0.05 * steps[1:]).all()  # no corner
    if shape.lower is not None:
        assert values.min() > shape.lower
    if shape.upper is not None:
        assert values.max() < shape.upper


def test_any_shape_of_scores_and_uniform_numbers():
    u = np.array([[0.25, 0.5], [0.75, 0.1]])
    values = SHAPES["log"].of(ndtri(u))
    assert values.shape == (2, 2)
    assert np.allclose(values[0], [25, 46])


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((5, 4, 6), "must rise"),
        ((1, 2, 3, 1), "must rise"),
        ((1, 2, 3, 0, 3), "must rise"),
        ((1, 2, float("nan")), "must rise"),
        ((1, 2, 3, None, 9), "need a lower one"),
        ((1, 2, 60), "much further"),
    ],
)
def test_what_no_curve_passes_through_is_refused(numbers, message):
    with pytest.raises(InputError, match=message):
        Quartiles(*numbers)
