"""The second player: it learns to tell decoded clips from true ones, and the decoder learns to fool it."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.func import functional_call

from marey.core.config import strict
from marey.core.errors import UserError
from marey.train import Loss

Video = Float[Tensor, "B C T H W"]
Verdict = Float[Tensor, "B 1 t h w"]  # of each patch: above 0 it looks true


@strict
@dataclass(frozen=True)
class R1Config:
    """Gradient penalty on true clips (arXiv 1801.04406): weight / 2 times the squared slope of the verdict."""

    kind: Literal["r1"] = "r1"
    weight: float = 10.0


@strict
@dataclass(frozen=True)
class LeCamConfig:
    """LeCam regularization (arXiv 2104.03310): verdicts stay near the running average of the other side's."""

    kind: Literal["lecam"] = "lecam"
    weight: float = 0.001
    decay: float = 0.99


@strict
@dataclass(frozen=True)
class AdversaryConfig:
    """A 3D PatchGAN: `widths` channels of convolutions that halve rows and columns (the first) and frames too (the
    rest); no norm, so that no clip of a batch is judged by another.

    weight: of the adversarial loss in the tokenizer's. regularizer: what keeps the adversary smooth.
    """

    widths: tuple[int, ...] = (32, 64, 64)
    weight: float = 0.1
    regularizer: Annotated[R1Config | LeCamConfig, Field(discriminator="kind")] = R1Config()

    def __post_init__(self) -> None:
        if min(self.widths, default=0) < 1:
            raise UserError(f"adversary.widths={self.widths}: give whole numbers, each at least 1")
        for name, value in (("weight", self.weight), ("regularizer.weight", self.regularizer.weight)):
            if not 0 <= value < float("inf"):
                raise UserError(f"adversary.{name}={value}: give 0 or more")

    def build(self, channels: int) -> "Adversary":
        return Adversary(self, channels)


class Adversary(nn.Module):
    """The non-saturating game of MAGVIT (arXiv 2212.05199, appendix): each side minimises its own loss."""

    true_average: Tensor
    false_average: Tensor

    def __init__(self, config: AdversaryConfig, channels: int):
        super().__init__()
        self.regularizer = config.regularizer
        layers: list[nn.Module] = []
        for number, (inputs, width) in enumerate(zip((channels, *config.widths), config.widths, strict=False)):
            stride = (2 if number else 1, 2, 2)
            layers += [nn.Conv3d(inputs, width, (3, 4, 4), stride, padding=1), nn.LeakyReLU(0.2)]
        self.patches = nn.Sequential(*layers, nn.Conv3d(config.widths[-1], 1, (3, 3, 3), padding=1))
        self.register_buffer("true_average", torch.zeros(()))
        self.register_buffer("false_average", torch.zeros(()))

    def forward(self, video: Video) -> Verdict:
        return self.patches(video)

    def fooled(self, decoded: Video) -> Float[Tensor, ""]:
        """The decoder's loss. Its gradient moves the decoder and not the adversary."""
        frozen = {name: tensor.detach() for name, tensor in self.named_parameters()}
        return F.softplus(-functional_call(self, frozen, (decoded,)).float()).mean()

    def loss(self, true: Video, decoded: Video) -> Loss:
        """The adversary's own loss: of its verdicts, and of its regularizer."""
        true = true.detach().requires_grad_()
        on_true, on_false = self(true).float(), self(decoded.detach()).float()
        game = F.softplus(-on_true).mean() + F.softplus(on_false).mean()
        if isinstance(self.regularizer, R1Config):
            (slope,) = torch.autograd.grad(on_true.sum(), true, create_graph=True)
            smooth = slope.square().flatten(1).sum(dim=1).mean() / 2
        else:
            smooth = self._lecam(on_true, on_false, self.regularizer.decay)
        parts = {"verdict": game, "smooth": smooth, "on_true": on_true.mean(), "on_decoded": on_false.mean()}
        return Loss(game + self.regularizer.weight * smooth, parts)

    def _lecam(self, on_true: Verdict, on_false: Verdict, decay: float) -> Float[Tensor, ""]:
        with torch.no_grad():
            self.true_average.lerp_(on_true.mean(), 1 - decay)
            self.false_average.lerp_(on_false.mean(), 1 - decay)
        above = F.relu(on_true - self.false_average).square().mean()
        return above + F.relu(self.true_average - on_false).square().mean()
