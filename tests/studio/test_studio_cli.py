"""The command: it refuses in one line, and as a process it answers until it is interrupted."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from marey.cli import main
from marey.studio.serve import listen
from tests.demo import environment


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("nowhere",), "nowhere is not a folder; give the folder of a run"), ((".",), "config.json does not exist")],
)
def test_what_is_no_run_is_refused_in_one_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["studio", *arguments, "--no-open"], prog_name="marey")
    assert result.exit_code == 2 and result.output.startswith("marey: ") and result.output.count("\n") == 1
    assert said in result.output


def test_a_taken_port_is_refused_in_one_line() -> None:
    with listen(0) as ear:
        port = str(ear.getsockname()[1])
        result = CliRunner().invoke(main, ["studio", "--no-open", "--port", port], prog_name="marey")
    assert result.exit_code == 2 and f"--port {port} cannot be used" in result.output and result.output.count("\n") == 1


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_as_a_process_it_prints_its_address_answers_and_ends_when_interrupted(demo: Path) -> None:
    code = "from marey.cli import main; main(prog_name='marey')"
    command = [sys.executable, "-c", code, "studio", str(demo), "--no-open"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.stderr.read()
        with urllib.request.urlopen(address + "api/start", timeout=60) as answer:
            assert json.load(answer)["run"] == demo.name
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "Traceback" not in said, said
