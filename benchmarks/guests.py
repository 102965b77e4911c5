"""How long Open-MAGVIT2's encoder takes to load, how much memory, and what a guest adds to its network's own forward.

    python benchmarks/guests.py load [folder for a file of 3 GB]
    python benchmarks/guests.py speed [name ...]

The file has every tensor of the released one (568, of the same names, shapes and order of parts) with seeded numbers.
It is loaded in a process of its own, whose peak memory counts pages that are mapped from the file too. The networks
have their true sizes and random weights, with which they take as long as with any others. How many operations a clip
takes is told too (a multiplication with its addition counts two, and convolutions are counted as they are written), and
how near that comes to one product of matrices on the same core.
"""

# ruff: noqa: T201 - what it prints is what it is for

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from marey.encoders.controls import batch_norms
from marey.encoders.efficientnet_lite0 import EfficientNetLite0Config
from marey.encoders.folded import folded
from marey.encoders.guest import Guest, at_own_size
from marey.encoders.hub import HubConfig
from marey.encoders.hub_images import CLIPConfig, DINOConfig, SigLIP2Config
from marey.encoders.hub_video import TimeSformerConfig, VideoMAEConfig, VJEPA2Config
from marey.encoders.i3d import I3DConfig
from marey.encoders.mobilenet_v2 import MobileNetV2Config
from marey.encoders.open_magvit2 import OpenMagvit2Config
from marey.encoders.open_magvit2_net import Decoder, Encoder, NetConfig
from marey.encoders.transnet_v2 import TransNetV2Config

TURNS = 3


CONVOLUTIONS = (I3DConfig, TransNetV2Config, MobileNetV2Config, EfficientNetLite0Config)
TRANSFORMERS: dict[type[HubConfig], str] = {  # in the standard size of their classes: base, and large for V-JEPA 2
    VideoMAEConfig: "VideoMAEModel",
    TimeSformerConfig: "TimesformerModel",
    VJEPA2Config: "VJEPA2Model",
    CLIPConfig: "CLIPVisionModel",
    SigLIP2Config: "SiglipVisionModel",
    DINOConfig: "Dinov2Model",
}


def main() -> None:
    here = Path(__file__).resolve().parent  # has a tokenizers.py, which transformers would take for the package
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != here]
    word, *rest = sys.argv[1:]
    if word == "load-one":
        print(json.dumps(_load(Path(rest[0]))))
    elif word == "load":
        _loads(rest[0] if rest else None)
    else:
        peak = _peak_gflops()
        print(f"one product of two matrices of 4096 x 4096, float32: {peak:.0f} GFLOP a CPU second", flush=True)
        for guest in _guests(rest):
            _own_speed(guest, peak)


def _guests(names: list[str]) -> Iterator[Guest]:
    for convolution in CONVOLUTIONS:
        if not names or convolution.__name__.removesuffix("Config") in names:
            yield (plain := convolution(seed=0).build())
            if plain.folds:
                yield folded(convolution(seed=0).build())
            if plain.any_size:
                yield folded(at_own_size(convolution(seed=0).build()))
    import transformers

    for config, kind in TRANSFORMERS.items():
        if not names or config.__name__.removesuffix("Config") in names:
            with tempfile.TemporaryDirectory() as folder:
                standard = getattr(transformers, kind).config_class(architectures=[kind])
                standard.save_pretrained(folder)
                yield config(Path(folder), seed=0).build()


def _loads(place: str | None) -> None:
    with tempfile.TemporaryDirectory(dir=place) as folder:
        file = Path(folder) / "seeded.ckpt"
        torch.save({"state_dict": _released()}, file)
        print(f"{file.stat().st_size / 1e9:.2f} GB, load in a new process, file in the page cache:")
        for _ in range(3):
            command = [sys.executable, __file__, "load-one", file]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
            print(ran.stdout.strip())


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


def _peak_gflops() -> float:
    """Of a product of matrices, for each CPU second; the most of some turns."""
    one, least = torch.rand(4096, 4096), float("inf")
    for _ in range(TURNS):
        start = time.process_time()
        one @ one
        least = min(least, time.process_time() - start)
    return 2 * 4096**3 / least / 1e9


def _gflop(guest: Guest, video: torch.Tensor) -> float:
    """Of the forward pass of a clip to the main tap."""
    with FlopCounterMode(display=False) as counter:
        guest.features(video)
    return float(counter.get_total_flops()) / 1e9


@torch.no_grad()
def _own_speed(guest: Guest, peak: float) -> None:
    """CPU seconds of `features` and of the network alone on what it is shown; the least of some turns each."""
    video = torch.rand(1, 3, 17, 128, 128) * 2 - 1
    seen, names = guest.look(video), guest.taps[:1]
    whole, own = [], []
    for _ in range(TURNS):
        start = time.process_time()
        guest.features(video)
        middle = time.process_time()
        guest.read(seen, names)
        whole.append(middle - start)
        own.append(time.process_time() - middle)
    name = guest.facts.name + (" folded" if guest.folds and not batch_norms(guest) else "")
    millions = sum(each.numel() for each in guest.parameters()) / 1e6
    name += "" if guest.look.size else " at own size"
    gflop, half = _gflop(guest, video), _gflop(guest, video[:, :, :9])
    print(
        f"{name}: {millions:.0f} M numbers, {min(own):.3f} CPU s a clip alone, {min(own) / min(whole):.0%} of that "
        f"speed as a guest, {gflop:.1f} GFLOP a clip ({half:.1f} its first half), {gflop / min(own) / peak:.0%} of "
        f"the speed of a product, {_peak_gb():.2f} GB",
        flush=True,
    )


if __name__ == "__main__":
    main()
