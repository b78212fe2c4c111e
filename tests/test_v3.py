"""v3: the size as published, the equations by hand, and what is constant by construction."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_training import EXAMPLE, TINY, TINY_DIFFUSION, small_cohort

import hgteach
from benchmarks.textbook_v3 import PaddedTraining
from hgteach.errors import InputError
from hgteach.models.channels import DiffusionChannels
from hgteach.models.diffusion import Schedule, cosine_alpha_bar, linear_alpha_bar, way_back
from hgteach.models.v3 import PUBLISHED, DiffusionArchitecture, UNet, diffusion
from hgteach.preprocess import Preprocessor
from hgteach.sequences import to_sequences
from hgteach.training import settings_for
from hgteach.training.diffusion import DiffusionTraining
from hgteach.training.generator import seeded

SMALL = TINY_DIFFUSION.architecture
SMALL_PUBLISHED = DiffusionArchitecture(hidden_size=16, steps=20, sampling_steps=20)


def records(patients=24, months=6):
    table = small_cohort(patients, months)
    matrix = Preprocessor(EXAMPLE).fit(table).transform(table)
    return torch.from_numpy(to_sequences(matrix, table, EXAMPLE))  # (P, T, F)


def network(architecture=SMALL, seed=0):
    torch.manual_seed(seed)
    return diffusion(EXAMPLE, architecture)


def count_from_the_layer_list(channels, width, levels):
    """Add the published layers up: a line each, weights plus biases."""

    def linear(inputs, outputs):
        return inputs * outputs + outputs

    def convolution(kernel):
        return width * width * kernel + width

    block = 2 * convolution(3) + 2 * 2 * width  # and two norms with a scale and a shift each
    step = linear(128, 2 * width) + linear(2 * width, 2 * width)
    enter = linear(channels, width) + linear(width, width)
    leave = linear(width, width) + linear(width, channels)
    down = levels * (block + step + convolution(4))
    middle = 2 * block + step
    up = levels * (convolution(4) + block + step)
    return enter + down + middle + up + convolution(3) + leave


def test_parameter_count_is_the_published_one():
    published = diffusion(EXAMPLE, settings_for("v3", "published").architecture)
    count = sum(p.numel() for p in published.parameters() if p.requires_grad)
    assert count == 7_373_334 == count_from_the_layer_list(22, 256, 3)


def test_published_setting_is_the_series_own():
    published = settings_for("v3", "published")
    assert published.architecture == PUBLISHED
    assert (published.epochs, published.batch_size) == (3000, 128)
    assert (published.learning_rate, published.largest_gradient) == (1e-3, 1.0)
    beta = 1 - linear_alpha_bar(500)[1:] / linear_alpha_bar(500)[:-1]
    np.testing.assert_allclose(beta, np.linspace(1e-4, 0.01, 500))


def test_the_published_schedule_leaves_a_signal_and_the_cosine_leaves_none():
    assert linear_alpha_bar(500)[-1].sqrt().item() == pytest.approx(0.28, abs=0.005)
    for ratio in (1.0, 2.0):
        alpha_bar = cosine_alpha_bar(500, ratio)
        assert alpha_bar[0] == 1 and alpha_bar[-1] == 0
        assert (alpha_bar.diff() < 0).all()
    halfway = cosine_alpha_bar(500, 2.0)[250]
    assert ((1 - halfway) / halfway).sqrt().item() == pytest.approx(2.0)


def test_the_equations_undo_each_other():
    schedule = Schedule(cosine_alpha_bar(50))
    x_0, noise = torch.randn(4, 3, 2), torch.randn(4, 3, 2)
    t = torch.tensor([1, 10, 30, 49])
    x_t = schedule.noised(x_0, t, noise)
    torch.testing.assert_close(schedule.patient_from(x_t, t, noise), x_0, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(schedule.noise_from(x_t, t, x_0), noise, rtol=1e-3, atol=1e-4)
    last = torch.full((4,), 50)
    assert torch.equal(schedule.noised(x_0, last, noise), noise)


def test_noising_step_by_step_and_at_once_spread_alike():
    """x_t = √(1 − β) x_{t − 1} + √β ε, repeated, has the mean and variance of equation (1)."""
    alpha_bar = linear_alpha_bar(40, last=0.2)
    schedule, random = Schedule(alpha_bar), seeded(0)
    x = torch.full((20_000, 1, 1), 3.0)
    for alpha in (alpha_bar[1:] / alpha_bar[:-1]).float():
        x = alpha.sqrt() * x + (1 - alpha).sqrt() * torch.randn(x.shape, generator=random)
    patient, spread = schedule.shares(torch.tensor([40]))
    assert x.mean().item() == pytest.approx(3 * patient.item(), abs=0.03)
    assert x.std().item() == pytest.approx(spread.item(), abs=0.02)


def test_one_step_of_equation_4_with_eta_1_is_the_posterior_of_ddpm():
    """Ho et al. 2020, equations 6 and 7."""
    alpha_bar = linear_alpha_bar(10, last=0.3)
    schedule = Schedule(alpha_bar)
    x_t, x_0 = torch.randn(1, 1, 1), torch.randn(1, 1, 1)
    t, s = 7, 6
    beta = 1 - alpha_bar[t] / alpha_bar[s]
    mean = alpha_bar[s].sqrt() * beta / (1 - alpha_bar[t]) * x_0
    mean = mean + (1 - beta).sqrt() * (1 - alpha_bar[s]) / (1 - alpha_bar[t]) * x_t
    variance = (1 - alpha_bar[s]) / (1 - alpha_bar[t]) * beta
    sigma = schedule.fresh_share(t, s, 1.0)
    noise = schedule.noise_from(x_t, torch.tensor([t]), x_0)
    ours = schedule.patient_share[s] * x_0 + (1 - alpha_bar[s] - sigma**2).sqrt() * noise
    assert sigma.item() ** 2 == pytest.approx(variance.item(), rel=1e-4)
    torch.testing.assert_close(ours, mean.float(), rtol=1e-3, atol=1e-5, check_dtype=False)


@pytest.mark.parametrize(("eta", "count"), [(0.0, 50), (0.0, 20), (1.0, 50)])
def test_with_an_exact_guess_the_way_back_ends_in_the_distribution(eta, count):
    """A normal distribution of mean 2 and spread 0.5: the best guess is known (Bayes)."""
    schedule, random = Schedule(cosine_alpha_bar(200)), seeded(0)

    def guess(x_t, t):
        patient, spread = schedule.shares(t)
        gain = 0.25 * patient / (0.25 * patient**2 + spread**2)
        x_0 = 2 + gain * (x_t - 2 * patient)
        return x_0, schedule.noise_from(x_t, t, x_0)

    def draw():
        return torch.randn(5000, 1, 1, generator=random)

    *_, last = way_back(schedule, guess, draw(), draw, count, eta)
    assert last.t == 0
    assert last.x_0.mean().item() == pytest.approx(2, abs=0.05)
    assert last.x_0.std().item() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("months", [1, 2, 7, 8, 13, 60])
def test_the_network_keeps_the_shape_at_every_length(months):
    unet = UNet(5, replace(SMALL, levels=3))
    assert unet(torch.randn(3, months, 5), torch.tensor([1, 5, 20])).shape == (3, months, 5)


def test_every_month_may_depend_on_every_other():
    unet = UNet(2, replace(SMALL, levels=3))
    x = torch.randn(1, 60, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(unet(x, torch.tensor([3]))[0, 30].sum(), x)
    assert (slope.abs().sum(-1) > 0).all()


def test_channels_come_back_as_they_went():
    x = records(24, 12)
    channels = DiffusionChannels(EXAMPLE)
    channels.fit(x)
    there = channels.encode(x)
    assert there.shape == (24, 12, 26)
    back = channels.decode(there)
    torch.testing.assert_close(back[..., 2:], x[..., 2:])
    assert (back[..., :2] - x[..., :2]).abs().max() < 0.02  # between percentiles
    carried = x[:, 1:, :2] == x[:, :-1, :2]
    assert carried.any() and not carried.all()
    assert torch.equal(back[:, 1:, :2] == back[:, :-1, :2], carried)


def test_scores_are_normal_and_nothing_leaves_the_range():
    x = torch.rand(200, 5, 22, generator=seeded(0)) ** 3
    channels = DiffusionChannels(EXAMPLE)
    channels.fit(x)
    scores = channels.encode(x)[..., :2]
    assert scores.mean().abs() < 0.02 and (scores.std() - 1).abs() < 0.02
    wild = 100 * channels.draw(50, 5, seeded(1))
    numbers = channels.decode(wild)[..., :2].flatten(0, 1)
    assert (numbers >= x[..., :2].amin((0, 1))).all()
    assert (numbers <= x[..., :2].amax((0, 1))).all()


def test_equal_numbers_share_the_middle_score():
    x = torch.zeros(50, 4, 22)
    x[:10, :, 0] = torch.rand(10, 4, generator=seeded(0))  # four in five are zero
    channels = DiffusionChannels(EXAMPLE)
    channels.fit(x)
    zeros = channels.encode(x)[20:, :, 0]
    assert zeros.max() - zeros.min() == 0
    assert zeros[0, 0].abs() < 2.0
    assert (channels.decode(channels.encode(x))[20:, :, 0] == 0).all()


def test_a_value_is_carried_forward_until_the_next_new_one():
    channels = DiffusionChannels(EXAMPLE)
    channels.fit(torch.rand(50, 4, 22, generator=seeded(0)))
    x_0 = channels.draw(1, 4, seeded(1))
    new = torch.tensor([False, False, True, False])  # the first month counts in any case
    x_0[0, :, channels.news[0]] = torch.stack([~new, new], dim=-1).float()
    months = channels.decode(x_0)[0, :, 0]
    assert months[0] == months[1] != months[2]
    assert months[2] == months[3]


def test_static_columns_are_constant_by_construction_and_may_change_as_published():
    def spread(architecture):
        with torch.no_grad():
            made = network(architecture).sample(5, 7, seeded(0))
        sex = next(b for b in EXAMPLE.blocks if b.column.name == "Gender")
        return (made[:, 1:, sex.span] - made[:, :1, sex.span]).abs().max()

    assert spread(replace(SMALL, eta=1.0)) == 0
    assert spread(SMALL_PUBLISHED) > 0


@pytest.mark.parametrize("architecture", [SMALL, SMALL_PUBLISHED])
def test_records_have_the_form_of_the_matrix(architecture):
    model = network(architecture)
    model.fit(records())
    with torch.no_grad():
        made = model.sample(5, 7, seeded(0))
    assert made.shape == (5, 7, 22)
    assert ((made >= 0) & (made <= 1)).all()


def test_the_published_loss_by_hand():
    model, x_0 = network(SMALL_PUBLISHED), torch.randn(3, 8, 22)
    t, noise, share = model.chance(3, 8, seeded(0))
    losses = model.losses(x_0, t, noise, share)
    for i in range(3):
        a = model.schedule.alpha_bar[t[i]]
        x_t = a.sqrt() * x_0[i] + (1 - a).sqrt() * noise[i]
        guessed = model.unet(x_t[None], t[i : i + 1])[0]
        blend = share[i] * noise[i] + (1 - share[i]) * guessed
        made = (x_t - (1 - a).sqrt() * blend) / a.sqrt()
        expected = ((guessed - noise[i]) ** 2).mean(), 20 * ((made - x_0[i]) ** 2).mean()
        found = losses["noise_loss"][i], losses["patient_loss"][i]
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_mended_loss_is_small_for_the_truth_and_steps_are_spread_evenly():
    model, x = network(), records()
    model.fit(x)
    x_0 = model.encode(x)
    t, noise = model.chance(len(x), x.shape[1], seeded(0))
    assert t.min() >= 1 and t.max() <= SMALL.steps
    assert np.histogram(t, bins=4, range=(1, SMALL.steps + 1))[0].min() >= 5
    plain = sum(model.losses(x_0, t, noise).values()).mean()
    model.logits = lambda x_t, t: torch.cat([x_0[..., :2], 50 * x_0[..., 2:]], dim=-1)
    assert sum(model.losses(x_0, t, noise).values()).mean() < 1e-3 * plain


def test_padding_nothing_the_textbook_and_the_package_learn_the_same():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        x = torch.rand(12, 8, 22, generator=seeded(1))
        settings = replace(
            TINY_DIFFUSION, architecture=SMALL_PUBLISHED, averaging=0.0, batch_size=6
        )
        models = network(SMALL_PUBLISHED).double(), network(SMALL_PUBLISHED).double()
        first = models[0].unet.smooth.weight.clone()
        package = DiffusionTraining(models[0], x, replace(settings, bfloat16=False), seeded(0))
        textbook = PaddedTraining(models[1], x, settings, seeded(0), months=8)
        next(package.epochs(1))
        textbook.epoch()
    finally:
        torch.set_default_dtype(before)
    assert not torch.equal(first, models[0].unet.smooth.weight)
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=5e-5)  # steps are 1e-3 long


def test_training_makes_the_patients_look_more_like_real_ones():
    table = small_cohort(64)

    def distance(epochs):
        settings = replace(TINY_DIFFUSION, learning_rate=3e-3)
        trained = hgteach.train(
            "v3", table, EXAMPLE, settings=settings, epochs=epochs, progress=False
        )
        made = trained.generate(200)
        return np.mean([
            (table[c].value_counts(normalize=True) - made[c].value_counts(normalize=True))
            .abs().sum() / 2
            for c in EXAMPLE.categorical
        ])  # fmt: skip

    assert distance(40) < 0.6 * distance(1)


def test_save_load_and_seed(tmp_path):
    trained = hgteach.train(
        "v3", small_cohort(), EXAMPLE, settings=TINY_DIFFUSION, out=tmp_path, progress=False
    )
    made = trained.generate(9, seed=4)
    assert made.equals(hgteach.Generator.load(tmp_path).generate(9, seed=4))
    assert not made.equals(trained.generate(9, seed=5))
    assert (made.groupby("PatientID")[["Gender", "Ethnic"]].nunique() < 2).all(axis=None)


def test_settings_of_another_model_are_refused_in_a_sentence():
    for model, settings in (("v3", TINY), ("v1", TINY_DIFFUSION)):
        with pytest.raises(InputError, match=f"are not settings for {model}"):
            hgteach.train(model, small_cohort(), EXAMPLE, settings=settings, progress=False)


def test_a_loss_that_is_no_number_stops_training_with_a_sentence():
    settings = replace(TINY_DIFFUSION, learning_rate=1e30, epochs=20)
    with pytest.raises(InputError, match="no longer a number"):
        hgteach.train("v3", small_cohort(), EXAMPLE, settings=settings, progress=False)
