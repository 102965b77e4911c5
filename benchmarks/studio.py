"""How soon the studio answers.

    python benchmarks/studio.py runs/demo

Milliseconds from a request over HTTP to its whole answer, of each question that the page asks, against a server of its
own in this process: median and slowest of some turns, after one that is not counted. What is asked for: a rendering
under 200 ms, a fill of hidden tokens in 12 steps under a second, in the recipe `small`.
"""

# ruff: noqa: T201 - what it prints is what it is for

import argparse
import json
import os
import platform
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import uvicorn

from marey.studio.serve import listen, open_studio, warm
from marey.studio.server import create_app

TURNS = 15


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("run", type=Path)
    run = arguments.parse_args().run
    began = time.perf_counter()
    studio = open_studio(run)
    warm(studio)
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, {torch.get_num_threads()} threads, ",
        end="",
    )
    print(f"load {os.getloadavg()[0]:.1f}; ready after {time.perf_counter() - began:.1f} s")
    ear = listen(0)
    server = uvicorn.Server(uvicorn.Config(create_app(studio), log_level="warning"))
    thread = threading.Thread(target=server.run, args=([ear],))
    thread.start()
    try:
        measure(f"http://127.0.0.1:{ear.getsockname()[1]}/api/")
    finally:
        server.should_exit = True
        thread.join()


def measure(address: str) -> None:
    start = ask(address, "start")
    shape, motion = start["shape"], {law["name"]: law["start"] for law in start["laws"]}["helical"]
    film = json.loads(ask(address, "make", motion, raw=True))["film"]
    middle = [t for t in range(shape["frames"]) if 0.25 <= t / shape["frames"] < 0.75]
    circle = [[0.5 + 0.25 * np.cos(a), 0.5 + 0.25 * np.sin(a), a] for a in np.linspace(0, 4, 80).tolist()]
    wish = {"film": film, "seconds": 1.0, "zoom": 256 // shape["size"]}
    questions: dict[str, Callable[[], Any]] = {
        "the page's first question": lambda: ask(address, "start"),
        f"a motion, {shape['frames']} x {shape['size']} px": lambda: ask(address, "make", motion),
        "a motion, 32 x 128 px": lambda: ask(address, "make", motion | {"frames": 32, "size": 128}),
        "a drawn path": lambda: ask(address, "draw", {"points": circle}),
        "the ruler's reading": lambda: ask(address, "read", {"film": film}),
        "class, prediction, interpolation": lambda: ask(address, "ask", {"film": film}),
        "tokens": lambda: ask(address, "tokens", {"film": film}),
        "hidden tokens filled in 12 steps": lambda: ask(address, "fill", {"film": film, "hidden": middle}),
        "four generated clips, of 8 drafts each": lambda: ask(address, "generate", {"law": "helical", "n": 4}),
        **{f"a file: {kind}": lambda kind=kind: ask(address, "export", wish | {"kind": kind}, raw=True)
           for kind in ("gif", "webp", "mp4")},
    }  # fmt: skip
    for name, question in questions.items():
        question()
        times = []
        for _ in range(TURNS):
            began = time.perf_counter()
            question()
            times.append(1000 * (time.perf_counter() - began))
        print(f"{name:42} {np.median(times):8.1f} ms   slowest {max(times):8.1f}   n = {TURNS}")


def ask(address: str, name: str, body: Any = None, raw: bool = False) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + name, data, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
        content = answer.read()
    return content if raw else json.loads(content)


if __name__ == "__main__":
    main()
