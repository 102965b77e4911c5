"""The machine: it trains any module whose `model(batch)` is a `Loss`, and knows nothing of any room.

model = train(model, batch_of, config, folder, seed, device)      stopped and taken up again as often as you like
model = load_weights(model, folder)                               what it left behind

The same call in each of many processes (torchrun, accelerate launch) shares the work among their devices.
"""

from marey.train.config import TrainConfig
from marey.train.loop import Manner, train
from marey.train.loss import Loss
from marey.train.weights import load_weights

__all__ = ["Loss", "Manner", "TrainConfig", "load_weights", "train"]
