"""The two settings of every model: one for a classroom, one as published."""

from dataclasses import dataclass

from hgteach.errors import InputError
from hgteach.models import GANS
from hgteach.models.v1 import PUBLISHED, Architecture
from hgteach.training.diffusion_presets import DIFFUSION_PRESETS, DiffusionSettings


@dataclass(frozen=True)
class GanSettings:
    """How a GAN is trained. The defaults are the series' own.

    Attributes:
        architecture: sizes of the networks.
        epochs: how often every patient is seen at every length.
        least_steps: a table with few patients is seen more often, so that the generator takes at
            least so many steps.
        batch_size: patients a step, at most.
        critic_steps: steps of the critic for one of the generator.
        lengths: how many months to train on, in turn, or all where a table has fewer; empty for
            the series' six steps.
        learning_rate, betas: of Adam, for both networks.
        penalty_weight: of the gradient penalty in the critic's loss.
        penalty_every: take the penalty in every n-th step of the critic only, n times as heavy,
            since it is the dearest part (Karras et al. 2020, arXiv 1912.04958, appendix B).
        divergence_weight: of the latents' term in the autoencoder's loss (v2, v2.5).
        averaging: the generator that is kept is a running mean of the one that is trained, and
            this is the share of the past in each step (Yazıcı et al. 2019, arXiv 1806.04498).
            Published: 0, the last one is kept.
        correlation_weight: of the correlation term in the generator's loss.
        distribution_weight: of the plain distances between batches in the generator's loss; see
            ``losses.py``. Published: 0.
        likeness_weight: of the likeness between a remembered patient and the one made from that
            memory (v2, v2.5). Published: 0, a memory need not be used.
        bfloat16: multiply matrices in this shorter type where the processor does so faster.
    """

    architecture: Architecture = PUBLISHED
    epochs: int = 100
    least_steps: int = 0
    batch_size: int = 256
    critic_steps: int = 5
    lengths: tuple[int, ...] = ()
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.99)
    penalty_weight: float = 10.0
    penalty_every: int = 1
    divergence_weight: float = 1.0
    averaging: float = 0.0
    correlation_weight: float = 10.0
    distribution_weight: float = 0.0
    likeness_weight: float = 0.0
    bfloat16: bool = False


CLASSROOM = GanSettings(
    architecture=Architecture(noise_size=32, hidden_size=64, memory_size=0),
    epochs=40,
    least_steps=400,
    lengths=(60,),
    batch_size=32,
    critic_steps=1,
    learning_rate=2e-3,
    betas=(0.5, 0.9),
    penalty_every=2,
    divergence_weight=1e-3,
    averaging=0.99,
    correlation_weight=100.0,
    distribution_weight=10.0,
    likeness_weight=20.0,
)

PRESETS: dict[str, dict[str, GanSettings | DiffusionSettings]] = {
    **{model: {"classroom": CLASSROOM, "published": GanSettings()} for model in GANS},
    "v3": DIFFUSION_PRESETS,
}


def settings_for(model: str, preset: str) -> GanSettings | DiffusionSettings:
    """Look a preset up.

    Raises:
        InputError: there is no such model or preset.
    """
    if model not in PRESETS:
        raise InputError(f"There is no model {model!r}. Choose from: {', '.join(PRESETS)}.")
    if preset not in PRESETS[model]:
        raise InputError(
            f"There is no preset {preset!r}. Choose from: {', '.join(PRESETS[model])}."
        )
    return PRESETS[model][preset]
