"""The trunk that both kinds of model share: pre-norm blocks of attention and gated layers."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn


class Past:
    """Keys and values of the tokens that one block has seen already, so that later tokens need not go there again."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    @property
    def length(self) -> int:
        return 0 if self.keys is None else self.keys.shape[2]

    def extend(
        self, keys: Float[Tensor, "B heads n d"], values: Float[Tensor, "B heads n d"]
    ) -> tuple[Float[Tensor, "B heads m d"], Float[Tensor, "B heads m d"]]:
        """All keys and values up to and with these."""
        self.keys = keys if self.keys is None else torch.cat([self.keys, keys], dim=2)
        self.values = values if self.values is None else torch.cat([self.values, values], dim=2)
        return self.keys, self.values


class Attention(nn.Module):
    """Tokens look at tokens, by content and by a learned bias for each pair of places.

    sees: which place (row) may look at which (column); all at all if absent.
    """

    sees: Tensor | None

    def __init__(self, width: int, heads: int, length: int, sees: Bool[Tensor, "L L"] | None = None):
        super().__init__()
        self.heads = heads
        # Heads that begin with habits of their own learn soonest to compare one frame with another.
        self.bias = nn.Parameter(0.5 * torch.randn(heads, length, length))
        self.inputs = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.register_buffer("sees", sees, persistent=False)

    def forward(self, x: Float[Tensor, "B n D"], past: Past | None = None) -> Float[Tensor, "B n D"]:
        """x: tokens of the next n places: the first ones, or those that follow what is in `past`."""
        q, k, v = self.inputs(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        start = 0 if past is None else past.length
        if past is not None:
            k, v = past.extend(k, v)
        here = slice(start, start + x.shape[1]), slice(k.shape[2])
        bias = self.bias[:, *here]
        if self.sees is not None:
            bias = bias.masked_fill(~self.sees[here], -torch.inf)
        return self.output(F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).flatten(2))


class GatedMLP(nn.Module):
    """SwiGLU (arXiv 2002.05202): its products turn waves of positions into waves of displacements."""

    def __init__(self, width: int):
        super().__init__()
        self.inputs = nn.Linear(width, 4 * width)
        self.output = nn.Linear(2 * width, width)

    def forward(self, x: Float[Tensor, "B n D"]) -> Float[Tensor, "B n D"]:
        gate, value = self.inputs(x).chunk(2, dim=-1)
        return self.output(F.silu(gate) * value)


class Block(nn.Module):
    """Attention, then a gated layer, each added to what came in."""

    def __init__(self, width: int, heads: int, length: int, sees: Bool[Tensor, "L L"] | None = None):
        super().__init__()
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.mlp = Attention(width, heads, length, sees), GatedMLP(width)

    def forward(self, x: Float[Tensor, "B n D"], past: Past | None = None) -> Float[Tensor, "B n D"]:
        x = x + self.attention(self.norm_attention(x), past)
        return x + self.mlp(self.norm_mlp(x))
