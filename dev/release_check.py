"""What a release must hold: make release-check. The wheel is built, installed alone in a bare environment, and run.

Prints what it measured; the first thing that does not hold ends it. It takes minutes, most of them torch and the demo.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
say = partial(print, flush=True)
COMPLETE = {"_MAREY_COMPLETE": "bash_source"}
LOOK = """
import sys, time
start = time.perf_counter()
import marey
seconds = time.perf_counter() - start
assert not {"torch", "numpy", "numba"} & sys.modules.keys(), "import marey brings what it need not"
print(f"{seconds:.3f}")
"""


def run(*command: str | Path, **variables: str) -> str:
    """What a command says; one that fails ends the check. Nothing of this project is on its path."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")} | variables
    words = [str(word) for word in command]
    result = subprocess.run(words, env=environment, cwd="/", capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(words)}\n{result.stdout}{result.stderr}")
    return result.stdout


def build(folder: Path) -> Path:
    """The wheel, built from a copy of what is committed, and complete."""
    source = folder / "source"
    archive = folder / "source.tar"
    run("git", "-C", ROOT, "archive", "--format=tar", f"--output={archive}", "HEAD")
    shutil.unpack_archive(archive, source, "tar", filter="data")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("marey-*.whl")
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
    package = {
        file.relative_to(source / "src").as_posix() for file in (source / "src/marey").rglob("*") if file.is_file()
    }
    assert package <= names, f"not in the wheel: {sorted(package - names)}"
    others = {name for name in names - package if ".dist-info/" not in name}
    assert not others, f"in the wheel and not of the package: {sorted(others)}"
    say(f"wheel: {wheel.stat().st_size / 1e3:.0f} kB, {len(package)} files, py.typed and templates among them")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """A bare environment with the wheel and what it needs, without any extra."""
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    before = size(folder)
    run(python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel)
    run(python, "-m", "pip", "check")
    site = next((folder / "lib").glob("python3*/site-packages"))
    parts = sorted(((size(each), each.name) for each in site.iterdir()), reverse=True)
    largest = ", ".join(f"{name} {bytes_ / 1e6:.0f}" for bytes_, name in parts[:8])
    count = len(run(python, "-m", "pip", "list", "--format=freeze").splitlines()) - 2  # pip and setuptools
    say(f"installed: {(size(folder) - before) / 1e6:.0f} MB, {count} packages; MB of the largest: {largest}")
    return folder / "bin"


def size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    return sum(file.lstat().st_size for file in ([path] if path.is_file() else path.rglob("*")))


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bin_ = install(build(folder), folder / "bare")
        seconds = sorted(float(run(bin_ / "python", "-c", LOOK)) for _ in range(3))
        assert seconds[0] < 1, f"import marey takes {seconds[0]:.1f} s"
        say(f"import marey: {seconds[0]:.3f} s, the least of three")
        assert "complete -o nosort" in run(bin_ / "marey", **COMPLETE)
        say(run(bin_ / "marey", "--version").strip())
        began = time.monotonic()
        run(bin_ / "marey", "demo", "--recipe", "smoke", "--out", folder / "run")
        assert (folder / "run" / "report.html").stat().st_size > 10_000
        say(f"marey demo --recipe smoke: {time.monotonic() - began:.0f} s, report written")


if __name__ == "__main__":
    main()
