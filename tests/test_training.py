"""The models and their training: sizes as published, losses by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_training import EXAMPLE, TINY, small_cohort

import hgteach
from hgteach.errors import InputError
from hgteach.models.build import build
from hgteach.models.v1 import PUBLISHED, Architecture, Critic, RecurrentGenerator
from hgteach.models.v2 import PatientMemory
from hgteach.training import generator as artefact
from hgteach.training import settings_for
from hgteach.training.gan import GanTraining
from hgteach.training.generator import seeded
from hgteach.training.losses import (
    correlation,
    correlation_loss,
    distribution_loss,
    gradient_penalty,
    likeness_loss,
)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameter_counts_are_the_published_ones():
    assert count(RecurrentGenerator(EXAMPLE, PUBLISHED)) == 316_438
    assert count(Critic(EXAMPLE, PUBLISHED)) == 283_465
    assert settings_for("v1", "published").architecture == PUBLISHED


def test_published_setting_is_the_series_own():
    published = settings_for("v1", "published")
    assert (published.batch_size, published.critic_steps, published.epochs) == (256, 5, 100)
    assert (published.learning_rate, published.betas) == (1e-3, (0.9, 0.99))
    assert (published.penalty_weight, published.correlation_weight) == (10, 10)
    assert published.penalty_every == 1


def test_records_have_the_form_of_the_matrix():
    network = RecurrentGenerator(EXAMPLE, Architecture(8, 8))
    records = network.sample(5, 7, seeded(0)).detach()
    assert records.shape == (5, 7, 22)
    assert ((records >= 0) & (records <= 1)).all()
    for block in EXAMPLE.blocks:
        if block.column.kind != "real":
            assert torch.allclose(records[..., block.span].sum(-1), torch.ones(5, 7))


def test_static_columns_are_constant_by_construction_and_may_change_as_published():
    def spread(architecture):
        records = RecurrentGenerator(EXAMPLE, architecture).sample(5, 7, seeded(0)).detach()
        sex = next(b for b in EXAMPLE.blocks if b.column.name == "Gender")
        return (records[:, 1:, sex.span] - records[:, :1, sex.span]).abs().max()

    assert spread(Architecture(8, 8)) == 0
    assert spread(replace(PUBLISHED, noise_size=8, hidden_size=8)) > 0


def test_both_directions_of_time_are_aligned():
    """The future's noise must reach month t through the reversed LSTM at month t."""
    torch.manual_seed(0)
    network = RecurrentGenerator(EXAMPLE, Architecture(4, 4, constant_static=False))
    noise = torch.randn(1, 6, 4, requires_grad=True)
    both_ways, _ = network.lstm(noise)
    backward_at_last_month = both_ways[0, -1, 4:].sum()
    (slope,) = torch.autograd.grad(backward_at_last_month, noise)
    assert slope[0, -1].abs().sum() > 0
    assert slope[0, :-1].abs().sum() == 0  # the last month has no future


def test_first_weights_keep_the_spread_of_the_noise():
    def spread(architecture):
        torch.manual_seed(0)
        network = RecurrentGenerator(EXAMPLE, architecture)
        both_ways, _ = network.lstm(network.noise(200, 10, seeded(0)))
        return network.to_logits(both_ways).std(dim=0).mean().item()

    assert spread(Architecture()) > 10 * spread(PUBLISHED)


def test_penalty_of_a_linear_critic_is_known():
    weight = torch.zeros(3, 4)
    weight[1, 2] = 3.0
    real, fake, share = torch.rand(5, 3, 4), torch.rand(5, 3, 4), torch.rand(5, 1, 1)
    penalty = gradient_penalty(lambda x: (x * weight).sum((1, 2)), real, fake, share)
    assert penalty.item() == pytest.approx((3.0 - 1.0) ** 2)


def test_penalty_teaches_the_critic():
    """Its gradient must reach the weights: descending on it alone brings the slope to 1."""
    torch.manual_seed(0)
    critic = Critic(EXAMPLE, Architecture(4, 8))
    optimiser = torch.optim.Adam(critic.parameters(), 1e-2)
    real, fake, share = torch.rand(8, 5, 22), torch.rand(8, 5, 22), torch.rand(8, 1, 1)
    first = gradient_penalty(critic, real, fake, share).item()
    for _ in range(60):
        optimiser.zero_grad()
        penalty = gradient_penalty(critic, real, fake, share)
        penalty.backward()
        optimiser.step()
    assert penalty.item() < 0.1 * first


def test_correlation_agrees_with_numpy_and_constant_channels_count_zero():
    records = torch.rand(6, 5, 4)
    records[..., 3] = 0.5
    expected = np.corrcoef(records[..., :3].reshape(-1, 3).numpy().T)
    found = correlation(records)
    np.testing.assert_allclose(found[:3, :3].numpy(), expected, atol=1e-5)
    assert found[3].abs().sum() == 0


def test_correlation_loss_is_zero_for_the_truth_and_can_be_followed():
    records = torch.rand(6, 5, 4)
    assert correlation_loss(records, correlation(records), seeded(0)).item() < 1e-6
    other = torch.rand(6, 5, 4, requires_grad=True)
    loss = correlation_loss(other, correlation(records), seeded(0))
    loss.backward()
    assert loss.item() > 0
    assert other.grad.abs().sum() > 0


def test_distribution_loss_is_the_sorted_difference():
    real = torch.tensor([[[0.0], [0.2]], [[0.5], [0.9]]])  # two patients, two months
    same = distribution_loss(real.flip(0), real, seeded(0))
    assert same.item() < 1e-6  # the order of patients does not matter
    # One channel: its own direction, and one "mixture", which is the same but for its sign. All
    # months move by .1, changes stay. Means before and after are two channels that both move by
    # .1 along their own directions, and along two mixtures by what the mixtures make of that.
    moved = distribution_loss(real + 0.1, real, seeded(0))
    random = seeded(0)
    torch.rand((), generator=random)  # the month that divides before from after
    for width in (1, 1, 2):
        mixtures = torch.randn(width, width, generator=random)
    mixed = 0.1 * (mixtures / mixtures.norm(dim=0)).sum(dim=0).abs().sum().item()
    assert moved.item() == pytest.approx(2 * 0.1 + 2 * 0.1 + mixed, abs=1e-6)


def test_distribution_loss_of_a_single_month_is_finite():
    random = seeded(0)
    losses = [distribution_loss(*torch.rand(2, 5, 1, 3), random) for _ in range(20)]
    assert all(loss.isfinite() and loss > 0 for loss in losses)


def test_distribution_loss_knows_which_month_comes_first():
    rising = torch.linspace(0, 1, 12).reshape(1, 12, 1) + 0.1 * torch.rand(50, 1, 1)  # (B, T, F)
    turned = rising.flip(1)
    swapped = torch.cat([rising[:25], turned[25:]])  # half of them turned
    assert all(
        distribution_loss(turned, rising, seeded(seed))
        > distribution_loss(swapped, rising, seeded(seed)) > 0.1
        for seed in range(5)
    )


def test_distribution_loss_sees_what_belongs_together():
    random = torch.Generator().manual_seed(1)
    first = torch.rand(200, 1, 1, generator=random)
    together = torch.cat([first, first], dim=2)
    opposed = torch.cat([first, 1 - first], dim=2)  # the same channels, another correlation
    other = torch.rand(200, 1, 1, generator=random)
    floor = distribution_loss(torch.cat([other, other], dim=2), together, seeded(0))
    assert distribution_loss(opposed, together, seeded(0)) > 2 * floor


def test_likeness_loss_compares_each_patient_with_the_one_recalled():
    real = torch.tensor([[[1.0, 0.2]], [[0.0, 0.8]]])
    assert likeness_loss(real, real).item() == pytest.approx(0, abs=2e-4)
    assert likeness_loss(real.flip(0), real) > 1
    half = torch.full_like(real, 0.5)
    expected = 0.5 * (2 * np.log(2) + 2 * (np.log(2) + 0.2 * np.log(0.2) + 0.8 * np.log(0.8)))
    assert likeness_loss(half, real).item() == pytest.approx(expected, abs=1e-5)


def test_the_memory_holds_one_vector_for_each_patient_by_default():
    sizes = replace(TINY.architecture, memory_size=0)
    settings = replace(TINY, architecture=sizes, likeness_weight=1.0, distribution_weight=1.0)
    generator = hgteach.train("v2", small_cohort(20), EXAMPLE, settings=settings, progress=False)
    assert len(generator.network.memory.patients) == 20
    assert {"likeness_loss", "distribution_loss"} <= set(generator.history)


def test_a_full_memory_forgets_the_oldest_first():
    memory = PatientMemory(Architecture(noise_size=1, memory_size=5))
    for number in range(7):
        memory.remember(torch.full((1, 3, 1), float(number)))  # (B, T, noise_size)
    assert memory.patients.flatten().tolist() == [2, 3, 4, 5, 6]
    memory.remember(torch.arange(20.0, 28).reshape(8, 1, 1))  # more than there is room for
    assert memory.patients.flatten().tolist() == [23, 24, 25, 26, 27]


def test_everybody_in_the_memory_is_recalled_in_turn():
    memory = PatientMemory(Architecture(noise_size=1, memory_size=5))
    memory.remember(torch.arange(5.0).reshape(5, 1, 1))
    recalled = memory.around(torch.zeros(12, 1, 1), seeded(0)).flatten().tolist()
    assert sorted(recalled[:5]) == sorted(recalled[5:10]) == [0, 1, 2, 3, 4]
    assert len(set(recalled[10:])) == 2
    assert recalled[:5] != recalled[5:10]


def test_critic_steps_move_the_critic_only_and_generator_steps_the_generator_only():
    from hgteach.training.gan import critic_step, generator_step

    torch.manual_seed(0)
    generator = RecurrentGenerator(EXAMPLE, TINY.architecture)
    critic = Critic(EXAMPLE, TINY.architecture)
    x = torch.rand(8, 5, 22)
    networks = {"generator": generator, "critic": critic}
    optimisers = {k: torch.optim.Adam(v.parameters()) for k, v in networks.items()}

    def moved(step):
        before = {k: [p.clone() for p in v.parameters()] for k, v in networks.items()}
        step()
        return {
            k: any(not torch.equal(p, q) for p, q in zip(before[k], v.parameters(), strict=True))
            for k, v in networks.items()
        }

    assert moved(
        lambda: critic_step(generator, critic, optimisers["critic"], x, TINY, seeded(0))
    ) == {"generator": False, "critic": True}
    assert all(p.grad is None for p in generator.parameters())
    target = correlation(x)
    assert moved(
        lambda: generator_step(
            generator, critic, optimisers["generator"], x, target, TINY, seeded(0)
        )
    ) == {"generator": True, "critic": False}


def test_every_patient_is_used_once_a_length():
    x = torch.rand(10, 4, 22)
    settings = replace(TINY, batch_size=4, lengths=(2, 4), critic_steps=1)
    training = GanTraining(build("v1", EXAMPLE, TINY.architecture), x, settings, seeded(0))
    seen = torch.cat(list(training.loaders[4]))
    assert sorted(seen[:, 0, 0].tolist()) == sorted(x[:, 0, 0].tolist())


def test_training_makes_the_patients_look_more_like_real_ones():
    """A minute's training is too long for a test; a few seconds must already help."""
    table = small_cohort(64)
    settings = replace(
        settings_for("v1", "classroom"), epochs=60, lengths=(4,), batch_size=32
    )
    trained = hgteach.train("v1", table, EXAMPLE, settings=settings, progress=False)
    fresh = hgteach.train(
        "v1", table, EXAMPLE, settings=replace(settings, learning_rate=1e-9), progress=False
    )

    def distance(generator):
        made = generator.generate(200)
        return np.mean([
            (table[c].value_counts(normalize=True) - made[c].value_counts(normalize=True))
            .abs().sum() / 2
            for c in EXAMPLE.categorical
        ])

    assert distance(trained) < 0.7 * distance(fresh)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    generator = hgteach.train(
        "v1", small_cohort(), EXAMPLE, settings=TINY, out=folder, progress=False
    )
    return generator, folder


def test_generate_returns_a_labelled_table(trained):
    generator, _ = trained
    table = generator.generate(7, seed=3)
    assert list(table.columns) == [*EXAMPLE.names, "PatientID", "Timestep"]
    assert len(table) == 7 * 6
    assert table["PatientID"].nunique() == 7
    assert table["Timestep"].tolist() == list(range(6)) * 7
    assert (table.groupby("PatientID")[["Gender", "Ethnic"]].nunique() < 2).all(axis=None)
    assert "Synthetic" in table.attrs["provenance"]
    assert "simulated stand-in" in table.attrs["provenance"].lower()


def test_same_seed_same_patients_and_other_seed_others(trained):
    generator, _ = trained
    pd.testing.assert_frame_equal(generator.generate(5, seed=1), generator.generate(5, seed=1))
    assert not generator.generate(5, seed=1).equals(generator.generate(5, seed=2))


def test_same_seed_same_training():
    def run(seed):
        return hgteach.train(
            "v1", small_cohort(), EXAMPLE, settings=TINY, seed=seed, progress=False
        )

    first, again, other = run(0), run(0), run(1)
    for name, tensor in first.network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name])
    assert not torch.equal(first.network.lstm.weight_ih_l0, other.network.lstm.weight_ih_l0)


def test_training_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    hgteach.train("v1", small_cohort(), EXAMPLE, settings=replace(TINY, epochs=1), progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_save_and_load_give_the_same_patients(trained, tmp_path):
    generator, _ = trained
    generator.save(tmp_path)
    loaded = hgteach.Generator.load(tmp_path)
    pd.testing.assert_frame_equal(loaded.generate(9, seed=4), generator.generate(9, seed=4))
    pd.testing.assert_frame_equal(loaded.history, generator.history)
    assert loaded.layout == generator.layout
    assert [p.name for p in tmp_path.iterdir()] == [artefact.FILE_NAME]  # nothing unfinished


@pytest.mark.parametrize("damage", ["truncated", "foreign", "pickle", "version", "missing"])
def test_a_damaged_generator_is_refused_in_a_sentence(trained, tmp_path, damage):
    _, folder = trained
    path = tmp_path / artefact.FILE_NAME
    whole = (folder / artefact.FILE_NAME).read_bytes()
    if damage == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "foreign":
        path.write_text("not tensors at all")
    elif damage == "pickle":
        torch.save({"a": torch.ones(2)}, path)
    elif damage == "version":
        path.write_bytes(whole.replace(b"version 1", b"version 9"))
    with pytest.raises(InputError, match="generator"):
        hgteach.Generator.load(tmp_path)


def test_a_loss_that_is_no_number_stops_training_with_a_sentence():
    settings = replace(TINY, learning_rate=1e30, epochs=20)
    with pytest.raises(InputError, match="no longer a number"):
        hgteach.train("v1", small_cohort(), EXAMPLE, settings=settings, progress=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "best"}, "no preset 'best'"),
        ({"epochs": 0}, "at least one epoch"),
        ({"seed": -1}, "whole number from 0"),
        ({"resume": True}, "name the folder"),
    ],
)
def test_wrong_arguments_are_answered_in_a_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        hgteach.train("v1", small_cohort(), EXAMPLE, progress=False, **arguments)
    with pytest.raises(InputError, match="no model 'v9'"):
        hgteach.train("v9", small_cohort(), EXAMPLE, progress=False)


def test_too_few_patients_or_a_negative_seed_to_generate(trained):
    generator, _ = trained
    with pytest.raises(InputError, match="at least one patient"):
        generator.generate(0)
    with pytest.raises(InputError, match="whole number from 0"):
        generator.generate(3, seed=-4)


def test_a_small_table_is_seen_more_often_unless_the_epochs_are_given():
    settings = replace(TINY, epochs=2, batch_size=5, least_steps=9, lengths=(5,))
    table = small_cohort(10)  # two batches
    generator = hgteach.train("v1", table, EXAMPLE, settings=settings, progress=False)
    assert len(generator.history) == 5
    given = hgteach.train("v1", table, EXAMPLE, settings=settings, epochs=2, progress=False)
    assert len(given.history) == 2
