"""The two settings of v3: one for a classroom, one as published."""

from dataclasses import dataclass

from hgteach.models.v3 import PUBLISHED, DiffusionArchitecture


@dataclass(frozen=True)
class DiffusionSettings:
    """How a diffusion is trained. The defaults are the series' own.

    Attributes:
        architecture: sizes of the network, and the form of the diffusion.
        epochs: how often every patient is seen.
        batch_size: patients a step, at most.
        learning_rate, betas: of Adam.
        largest_gradient: a longer gradient is cut to this length.
        averaging: the network that is kept is a running mean of the one that is trained, and this
            is the share of the past in each step, less in the first steps (Karras et al. 2024,
            arXiv 2312.02696). Published: 0, the last one is kept.
        bfloat16: multiply matrices in this shorter type where the processor does so faster. The
            series' code does the like on its GPU.
    """

    architecture: DiffusionArchitecture = PUBLISHED
    epochs: int = 3000
    batch_size: int = 128
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    largest_gradient: float = 1.0
    averaging: float = 0.0
    bfloat16: bool = True


DIFFUSION_CLASSROOM = DiffusionSettings(
    architecture=DiffusionArchitecture(
        hidden_size=48,
        schedule="cosine",
        noise_ratio=2.0,
        guesses_noise=False,
        sampling_steps=25,
        eta=0.3,
    ),
    epochs=240,
    batch_size=32,
    learning_rate=1e-3,
    betas=(0.9, 0.99),
    averaging=0.999,
    bfloat16=False,
)

DIFFUSION_PRESETS: dict[str, DiffusionSettings] = {
    "classroom": DIFFUSION_CLASSROOM,
    "published": DiffusionSettings(),
}
