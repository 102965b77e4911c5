"""How long Open-MAGVIT2's encoder takes to load, how much memory, and what a guest adds to its network's own forward.

    python benchmarks/guests.py [folder for a file of 3 GB]

The file has every tensor of the released one (568, of the same names, shapes and order of parts) with seeded numbers.
It is loaded in a process of its own, whose peak memory counts pages that are mapped from the file too.
"""

# ruff: noqa: T201 - what it prints is what it is for

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from marey.encoders.guest import Guest
from marey.encoders.i3d import I3DConfig
from marey.encoders.mobilenet_v2 import MobileNetV2Config
from marey.encoders.open_magvit2 import OpenMagvit2Config
from marey.encoders.open_magvit2_net import Decoder, Encoder, NetConfig
from marey.encoders.transnet_v2 import TransNetV2Config

TURNS = 5


def main() -> None:
    if sys.argv[1:2] == ["load"]:
        print(json.dumps(_load(Path(sys.argv[2]))))
        return
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        file = Path(folder) / "seeded.ckpt"
        torch.save({"state_dict": _released()}, file)
        print(f"{file.stat().st_size / 1e9:.2f} GB, load in a new process, file in the page cache:")
        for _ in range(3):
            ran = subprocess.run([sys.executable, __file__, "load", file], capture_output=True, text=True, check=True)  # noqa: S603
            print(ran.stdout.strip())
    for config in (I3DConfig(seed=0), MobileNetV2Config(seed=0), TransNetV2Config(seed=0)):
        _own_speed(config.build())


def _released() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    halves = {"encoder.": Encoder(NetConfig()), "decoder.": Decoder(NetConfig())}
    raw = {part + name: each for part, half in halves.items() for name, each in half.state_dict().items()}
    averaged = {"model_ema." + name.replace(".", ""): each + 0 for name, each in raw.items()}
    return raw | averaged | {"model_ema.decay": torch.tensor(0.999), "model_ema.num_updates": torch.tensor(1).int()}


def _load(file: Path) -> dict[str, object]:
    before = _peak_gb()
    wall, cpu = time.perf_counter(), time.process_time()
    weights = OpenMagvit2Config(file).build().weights
    return {
        "tensors": f"{weights.copied} of {weights.expected}",
        "seconds": round(time.perf_counter() - wall, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "peak_gb": _peak_gb(),
        "before_gb": before,
    }


def _peak_gb() -> float:
    """Most memory this process ever had; unlike ru_maxrss, without what its parent had when it was started (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return round(int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e9, 3)


@torch.no_grad()
def _own_speed(guest: Guest) -> None:
    """CPU seconds of `features` and of the network alone on what it is shown; the least of some turns each."""
    video = torch.rand(2, 3, 17, 128, 128) * 2 - 1
    seen, names = guest.look(video), guest.taps[:1]
    whole, own = [], []
    for _ in range(TURNS):
        start = time.process_time()
        guest.features(video)
        middle = time.process_time()
        guest.read(seen, names)
        whole.append(middle - start)
        own.append(time.process_time() - middle)
    print(f"{guest.facts.name}: {min(own):.2f} CPU s alone, {min(own) / min(whole):.0%} of its speed as a guest")


if __name__ == "__main__":
    main()
