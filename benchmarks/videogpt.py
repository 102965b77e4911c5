"""The tokenizer of VideoGPT (arXiv 2104.10157, section 3.1), written small from the paper, to be compared with.

Strided 3D convolutions, residual blocks with batch norm and axial attention, a VQ codebook with running averages and
random restarts, transposed convolutions back. 4 x 4 x 4 pixels a token, 2048 codes of 256 numbers, as published; the
hidden width is a parameter. Not causal, and its norms mix frames: it is no tokenizer for prediction.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from vector_quantize_pytorch import VectorQuantize

LEARNING_RATE = 3e-4  # as published
_VARIANCE = 0.06  # of the data, by which the published loss is scaled


class AxialAttention(nn.Module):
    """Attention along width, height and time, summed."""

    def __init__(self, width: int, heads: int = 2):
        super().__init__()
        self.axes = nn.ModuleList(nn.MultiheadAttention(width, heads, batch_first=True) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        for axis, attention in enumerate(self.axes, start=2):
            rows = x.movedim(axis, -1).movedim(1, -1)
            flat = rows.reshape(-1, *rows.shape[-2:])
            seen = attention(flat, flat, flat, need_weights=False)[0].view(rows.shape)
            total = total + seen.movedim(-1, 1).movedim(-1, axis)
        return total


def residual(width: int) -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm3d(width), nn.ReLU(), nn.Conv3d(width, width // 2, 3, padding=1, bias=False),
        nn.BatchNorm3d(width // 2), nn.ReLU(), nn.Conv3d(width // 2, width, 1, bias=False),
        nn.BatchNorm3d(width), nn.ReLU(), AxialAttention(width),
    )  # fmt: skip


class Stack(nn.Module):
    def __init__(self, width: int, depth: int):
        super().__init__()
        self.blocks = nn.ModuleList(residual(width) for _ in range(depth))
        self.end = nn.Sequential(nn.BatchNorm3d(width), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + block(x)
        return self.end(x)


class VideoGPTTokenizer(nn.Module):
    """Frames, height and width must be multiples of 4."""

    def __init__(self, channels: int, width: int = 64, depth: int = 4, codes: int = 2048, dimensions: int = 256):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv3d(channels, width, 4, 2, 1), nn.ReLU(), nn.Conv3d(width, width, 4, 2, 1), nn.ReLU(),
            nn.Conv3d(width, width, 3, padding=1), Stack(width, depth), nn.Conv3d(width, dimensions, 1),
        )  # fmt: skip
        self.quantizer = VectorQuantize(
            dimensions, codes, decay=0.99, commitment_weight=0.25, kmeans_init=False, threshold_ema_dead_code=1,
            rotation_trick=False, accept_3d_fmap=True,
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Conv3d(dimensions, width, 1), Stack(width, depth),
            nn.ConvTranspose3d(width, width, 4, 2, 1), nn.ReLU(), nn.ConvTranspose3d(width, channels, 4, 2, 1),
        )  # fmt: skip

    def loss(self, video: Tensor) -> Tensor:
        codes, _, commitment = self.quantizer(self.encoder(video))
        return F.mse_loss(self.decoder(codes), video) / _VARIANCE + commitment.sum()

    def reconstruct(self, video: Tensor) -> Tensor:
        return self.decoder(self.quantizer(self.encoder(video))[0])
