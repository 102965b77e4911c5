"""Law 6: both trainings, killed in the middle and resumed through the command line, equal those never stopped."""

import signal
import time
from pathlib import Path

import pytest

from tests.demo import marey, start_marey

pytestmark = pytest.mark.slow


def kill_after_a_checkpoint(stage: str, run: Path) -> str:
    """Train until the first checkpoint is there, then kill; the name of the newest checkpoint left behind."""
    process = start_marey("train", stage, "--recipe", "smoke", "--out", run)
    try:
        while process.poll() is None and not list((run / stage).glob("checkpoints/step-*.safetensors")):
            time.sleep(0.005)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert not (run / stage / "weights.safetensors").exists(), "it was finished when the kill landed"
    return max(file.name for file in (run / stage / "checkpoints").glob("step-*.safetensors"))


def resume(stage: str, run: Path, checkpoint: str) -> None:
    """Go on, and see that it began where it was stopped."""
    result = marey("train", stage, "--recipe", "smoke", "--out", run, "--resume")
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == str(run / stage)
    first = int(checkpoint.removeprefix("step-").removesuffix(".safetensors"))
    assert first > 0
    assert f"training from step {first} to" in (run / stage / "log.txt").read_text()


def outcome(folder: Path) -> tuple[bytes, bytes]:
    return (folder / "weights.safetensors").read_bytes(), (folder / "metrics.jsonl").read_bytes()


def test_killed_and_resumed_equals_never_killed(demo: Path, tmp_path: Path) -> None:
    """The run that was never stopped is the demo's: a stage alone is the same stage."""
    for stage in ("tokenizer", "dynamics"):
        checkpoint = kill_after_a_checkpoint(stage, tmp_path)
        resume(stage, tmp_path, checkpoint)
        assert outcome(tmp_path / stage) == outcome(demo / stage), stage
