"""The smallest whole story, through the command line, told once and looked at by many tests."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

_MAREY = [sys.executable, "-c", "from marey.cli import main; main(prog_name='marey')"]


def environment() -> dict[str, str]:
    """One thread to a process: the tests fill the machine as it is."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


def marey(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    command = [*_MAREY, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)


def start_marey(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start a command in a process of its own, and do not wait."""
    command = [*_MAREY, *map(str, arguments)]
    return subprocess.Popen(command, text=True, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line in which a command refused."""
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("marey: "), result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    return result.stderr.strip()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of `marey demo --recipe smoke`; made once for all test processes. Not to be changed."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # shared by the workers
    out = base / "demo"
    with (base / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "report.html").exists():
            result = marey("demo", "--recipe", "smoke", "--out", out)
            assert result.returncode == 0, result.stderr
    return out
