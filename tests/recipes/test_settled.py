"""A recipe's tokenizer leaves its training with its digits told apart, if its quantizer is to."""

from dataclasses import replace
from pathlib import Path

import torch

from marey.data.clips import Batches
from marey.recipes.catalogue import SMOKE
from marey.recipes.stages import train_tokenizer

CPU = torch.device("cpu")


def test_digits_fill_their_range_slowest_first(tmp_path: Path) -> None:
    quantizer = replace(SMOKE.tokenizer.quantizer, slow=True)
    training = replace(SMOKE.tokenizer_training, steps=60)
    recipe = replace(SMOKE, tokenizer=replace(SMOKE.tokenizer, quantizer=quantizer), tokenizer_training=training)
    tokenizer = train_tokenizer(recipe, tmp_path, CPU, resume=False)
    video = Batches(recipe.dataset, 256, seed=7, augmented=True)(0, CPU).video
    with torch.no_grad():
        digits = tokenizer.quantizer.split(tokenizer.encode(video).indices).flatten(1, 3).double()
    used = (digits.amax(dim=(0, 1)) - digits.amin(dim=(0, 1))) / torch.tensor(quantizer.levels)
    assert (used > 0.8).all(), used
    apart = torch.corrcoef(digits.flatten(0, 1).T) - torch.eye(len(quantizer.levels))
    assert apart.abs().max() < 0.15, apart
    pace = digits.diff(dim=1).square().mean(dim=(0, 1)) / digits.var(dim=(0, 1))
    assert (pace.diff() > 0).all(), pace
    again = train_tokenizer(recipe, tmp_path, CPU, resume=True)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in tokenizer.state_dict().items())
