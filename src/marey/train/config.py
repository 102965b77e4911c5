"""How long, how fast and with which optimizer."""

import math
from dataclasses import dataclass, field

from marey.core.config import LATER, strict
from marey.train.precision import Precision


@strict
@dataclass(frozen=True)
class TrainConfig:
    """AdamW with warm-up and cosine decay, clipped gradients, averaged weights. Lengths are in optimizer steps.

    muon: whether the matrices of the model's `blocks` are trained by Muon (Jordan et al. 2024; arXiv 2502.16982).
    adversary_learning_rate: of a model's adversary at its peak; None is learning_rate.
    parts: that a batch is worked through in, to save memory; many devices share them. precision: of products only; on a
    device without instructions for bfloat16 they are computed in float32 all the same.
    """

    steps: int
    batch_size: int
    learning_rate: float = 1e-3  # at its peak
    warmup_steps: int = 100
    weight_decay: float = 0.01  # of matrices and kernels only
    clip_norm: float = 1.0
    muon: bool = False
    ema_decay: float = 0.999
    checkpoint_every: int = 500
    log_every: int = 50
    adversary_learning_rate: float | None = field(default=None, metadata=LATER)
    parts: int = field(default=1, metadata=LATER)
    precision: Precision = field(default="float32", metadata=LATER)

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "learning_rate", "clip_norm", "checkpoint_every", "log_every"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; give a number above 0")
        if self.adversary_learning_rate is not None and not 0 < self.adversary_learning_rate < math.inf:
            rate = self.adversary_learning_rate
            raise ValueError(f"adversary_learning_rate is {rate}; give a number above 0, or None")
        if self.parts < 1 or self.batch_size % self.parts:
            raise ValueError(f"parts is {self.parts}; give a divisor of batch_size ({self.batch_size})")
        if not 0 <= self.warmup_steps < self.steps:
            raise ValueError(
                f"warmup_steps is {self.warmup_steps}; give 0 or more, but fewer than steps ({self.steps})"
            )
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay is {self.weight_decay}; give 0 or more")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay is {self.ema_decay}; give 0 (no averaging) or more, but less than 1")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of step 0, ..., steps - 1: a straight line up to the peak, then half a cosine to zero."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / (self.warmup_steps + 1)
        done = (step - self.warmup_steps) / (self.steps - self.warmup_steps)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
