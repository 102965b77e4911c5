"""The token transformer: bidirectional, pre-norm, one softmax per hidden element."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from marey.core.config import strict
from marey.core.errors import UserError
from marey.dynamics.sequence import Axes, Embedding, Layout, Reading, Sequence
from marey.train import Loss


@strict
@dataclass(frozen=True)
class DynamicsConfig:
    """Shape of the transformer."""

    width: int = 128
    depth: int = 6
    heads: int = 4
    cell: int = 64
    patch: Axes = (1, 4, 4)

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise UserError(f"dynamics.width={self.width} must be a multiple of dynamics.heads={self.heads}")


@dataclass(frozen=True)
class Batch:
    """What the transformer learns from: sequences with holes, the true values, and which of them are asked."""

    sequence: Sequence
    targets: Int64[Tensor, "B E"]
    asked: Bool[Tensor, "B E"]


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, length: int):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(heads, length, length) * float(__import__("os").environ.get("BS","2")))
        self.heads = heads
        self.inputs = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "B L D"]) -> Float[Tensor, "B L D"]:
        q, k, v = self.inputs(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.output(F.scaled_dot_product_attention(q, k, v, attn_mask=self.bias).transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, length: int):
        super().__init__()
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, length)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Float[Tensor, "B L D"]) -> Float[Tensor, "B L D"]:
        x = x + self.attention(self.norm_attention(x))
        return x + self.mlp(self.norm_mlp(x))


class Dynamics(nn.Module):
    """Sequence to logits of every element. `forward(batch)` is the training loss."""

    def __init__(self, config: DynamicsConfig, layout: Layout):
        super().__init__()
        self.layout = layout
        self.embedding = Embedding(layout, config.width, config.cell)
        self.blocks = nn.ModuleList([Block(config.width, config.heads, layout.length) for _ in range(config.depth)])
        self.norm = nn.LayerNorm(config.width)
        self.reading = Reading(layout, config.width, config.cell)

    def logits(self, sequence: Sequence) -> Float[Tensor, "B E V"]:
        x, cells = self.embedding(sequence)
        for block in self.blocks:
            x = block(x)
        return self.reading(self.norm(x), cells)

    def forward(self, batch: Batch) -> Loss:
        logits = self.logits(batch.sequence)
        law = self.layout.slice("class").start
        nats = F.cross_entropy(logits.transpose(1,2), batch.targets, reduction="none") * batch.asked
        cl = nats[:, law].sum() / batch.asked[:, law].sum().clamp(1)
        rest = (nats.sum() - nats[:, law].sum()) / (batch.asked.sum() - batch.asked[:, law].sum())
        asked = batch.asked[:, law]
        right = (logits[:, law].argmax(dim=-1) == batch.targets[:, law])[asked].float().mean()
        return Loss(rest + cl, {"class_right": right, "video": rest, "class": cl})
