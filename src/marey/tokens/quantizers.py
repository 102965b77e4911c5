"""Quantizers by type: the config is the choice, and `build` makes it. The mathematics is the library's.

Each config states `channels` of a latent, the `levels` of an index's digits, and whether these are `ordinal`.
"""

from typing import Annotated

from pydantic import Field

from marey.tokens.fsq import FSQConfig, ResidualFSQConfig
from marey.tokens.lfq import LFQConfig
from marey.tokens.quantizer import Quantized, Quantizer
from marey.tokens.vq import VQConfig

QuantizerConfig = Annotated[FSQConfig | ResidualFSQConfig | LFQConfig | VQConfig, Field(discriminator="kind")]

__all__ = ["FSQConfig", "LFQConfig", "Quantized", "Quantizer", "QuantizerConfig", "ResidualFSQConfig", "VQConfig"]
