"""Tensors of which each device holds a part (DTensor), as whole ones and back. The others are taken as they are."""

from typing import Any, cast

import torch
from torch import Tensor


def whole(tensor: Tensor) -> Tensor:
    """All of it; every device must ask."""
    return cast(Any, tensor).full_tensor() if hasattr(tensor, "full_tensor") else tensor


def laid_out_as(held: Tensor, value: Tensor) -> Tensor:
    """The value where `held` is: on its device, in its memory layout; of a part, the part. Every device must ask."""
    if not hasattr(held, "full_tensor"):
        return torch.empty_like(held).copy_(value)
    from torch.distributed.tensor import distribute_tensor

    mesh = cast(Any, held).device_mesh
    return distribute_tensor(value.to(mesh.device_type), mesh, cast(Any, held).placements)
