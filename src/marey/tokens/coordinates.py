"""Coordinates to digits and back: a tokenizer that has nothing to learn.

To the transformer a clip of coordinates is a clip of one pixel with a channel for each coordinate, in [-1, 1].
"""

from typing import Any

from torch import nn

from marey.tokens.quantizers import FSQConfig
from marey.tokens.tokenizer import Tokenizer, TokenizerConfig


class CoordinateTokenizer(Tokenizer):
    """Clips of one pixel, rounded by the quantizer of video tokens: one token a frame, one digit a channel.

    Its encoder and decoder do nothing. With 1024 levels, what it returns is within 0.512 of a level.
    """

    def __init__(self, quantizer: FSQConfig):
        super().__init__(TokenizerConfig(channels=len(quantizer.levels), cell=(1, 1), block=1, quantizer=quantizer))
        nothing: Any = nn.Identity()
        self.encoder, self.decoder = nn.Sequential(), nothing
