"""Muon in the precision of the training."""

import torch
from torch import Tensor, nn

from marey.train.precision import Precision, products

_MOMENTUM = 0.95
_STEPS = 5
_QUINTIC = (3.4445, -4.7750, 2.0315)  # of Keller Jordan: steepest at zero, so that five steps are enough


class Muon(torch.optim.Optimizer):
    """Momentum whose every step is made orthogonal (Jordan et al. 2024), for matrices.

    With B the running mean of the gradients G, and W a matrix of m x n:

        W <- (1 - lr * weight_decay) W - 0.2 sqrt(max(m, n)) lr * orthogonal(G + 0.95 (B - G))

    so that a step is as large as one of AdamW, and one learning rate serves both (arXiv 2502.16982). torch's own
    computes the orthogonal matrix in bfloat16 wherever it runs: many times slower on a processor without instructions
    for it, and so coarse that two processes soon part from one. Here it is `precision`, where the device has that.
    States are those of torch's.
    """

    def __init__(self, matrices: list[nn.Parameter], lr: float, weight_decay: float, precision: Precision = "float32"):
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})
        self.precision = precision

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step; the gradients have been computed."""
        for group in self.param_groups:
            rate = group["lr"]
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(matrix)
                mean = state["momentum_buffer"].lerp_(matrix.grad, 1 - _MOMENTUM)
                step = orthogonal(matrix.grad.lerp(mean, _MOMENTUM).to(products(self.precision, matrix.device)))
                matrix.mul_(1 - rate * group["weight_decay"])
                matrix.add_(step, alpha=-rate * 0.2 * max(matrix.shape) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly U V' of a matrix U S V', by Newton-Schulz steps: singular values become 0.7 to 1.2, but tiny ones."""
    a, b, c = _QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(_STEPS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x
