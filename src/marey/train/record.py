"""What a training leaves to look at: metrics.jsonl, samples/*.png and, if asked, the same for TensorBoard."""

from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from marey.core.errors import UserError
from marey.core.files import write_atomically
from marey.core.runs import RunFolder


class Record:
    """Of one training in one folder. Only the process that writes leaves anything; see RunFolder."""

    def __init__(self, folder: RunFolder, tensorboard: bool, step: int) -> None:
        """step: of the checkpoint that the training goes on from; what TensorBoard shows after it is forgotten."""
        self.folder = folder
        self.board: Any = None
        if tensorboard and folder.writes:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                raise UserError("--tensorboard needs TensorBoard; install marey[tensorboard]") from None
            self.board = SummaryWriter(folder.path / "tensorboard", purge_step=step + 1)

    def __enter__(self) -> "Record":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.board:
            self.board.close()

    def figures(self, step: int, **figures: float) -> None:
        """Named numbers after `step` steps."""
        self.folder.append(step=step, **figures)
        for name, value in figures.items() if self.board else ():
            self.board.add_scalar(name, value, step)

    def picture(self, step: int, picture: UInt8[np.ndarray, "H W 3"]) -> None:
        """A picture after `step` steps."""
        if not self.folder.writes:
            return
        path = self.folder.path / "samples" / f"step-{step:06d}.png"
        write_atomically(path, lambda file: Image.fromarray(picture).save(file, format="PNG"))
        if self.board:
            self.board.add_image("samples", picture, step, dataformats="HWC")
