"""Which latents a pixel has a say in: the reach of an encoder, layer by layer."""

import torch.nn.functional as F
from jaxtyping import Bool
from torch import Tensor, nn

from marey.tokens.layers import CausalConv3d, Moments


def reached(encoder: nn.Module, pixels: Bool[Tensor, "B T H W"]) -> Bool[Tensor, "B t h w"]:
    """Latents that depend on any of these pixels. Where H and W are 1 the pixels are whole frames, and so are latents.

    Layers are taken in the order they were made in; those inside of a branch add to the reach of what it is added to.
    """
    whole = tuple(pixels.shape[2:]) == (1, 1)
    touched = pixels.float()[:, None]
    for layer in encoder.modules():
        if isinstance(layer, CausalConv3d):
            kernel, stride, pads = layer.kernel_size, layer.stride, layer.pads
            if whole:
                kernel, stride, pads = (kernel[0], 1, 1), (stride[0], 1, 1), (0, 0, 0, 0, *pads[4:])
            touched = F.max_pool3d(F.pad(touched, pads), kernel, stride)
        elif isinstance(layer, Moments) and not whole:
            touched = F.max_pool3d(touched, (1, *layer.cell))
    return touched[:, 0] > 0
