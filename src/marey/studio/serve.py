"""The studio as a process: what it shows, its port, and its end."""

import socket
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from marey.core.errors import UserError
from marey.recipes.runs import load_run, read_recipe
from marey.studio.answers import OneClip, Studio
from marey.studio.asking import Model
from marey.studio.film import Film
from marey.studio.stage import DEFAULT, Stage
from marey.world.render import render

_HOST = "127.0.0.1"


def open_studio(run: Path | None, device: str | torch.device = "cpu") -> Studio:
    """The studio of a finished run, or one without a model."""
    if run is None:
        return Studio(Stage.of(DEFAULT), None)
    recipe, video = read_recipe(run), load_run(run, device)
    model = Model(run.resolve().name, video, recipe.judge.prefix, recipe.judge.ends)
    return Studio(Stage.of(recipe.dataset), model)


def warm(studio: Studio) -> None:
    """Answer once, unasked: what is compiled at the first call is compiled now, and no one waits for it."""
    start = studio.start()
    studio.make(start.laws[0].start)
    clip = OneClip(Film.of(render(studio.stage.scenes.take(np.arange(1)))[0]))
    studio.read(clip)
    if studio.model is not None:
        studio.ask(clip)
        studio.tokens(clip)


def listen(port: int) -> socket.socket:
    """A socket on the loopback interface; port 0 is any that is free. One that is taken is a UserError."""
    ear = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        ear.bind((_HOST, port))
        ear.listen()  # from now on: who asks before the server is up waits for it
    except (OSError, OverflowError) as error:
        ear.close()
        raise UserError(f"--port {port} cannot be used ({error}); choose another, or none") from None
    return ear


def serve(studio: Studio, ear: socket.socket, say: Callable[[str], object], show: bool = True) -> None:
    """Answer until interrupted. say: is told the address. show: whether to open it in the browser."""
    from marey.studio.server import create_app

    uvicorn, app = server_library("uvicorn"), create_app(studio)
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, date_header=False)
    address = f"http://{_HOST}:{ear.getsockname()[1]}/"
    say(address)
    if show:
        webbrowser.open(address)
    with suppress(KeyboardInterrupt):  # Ctrl-C is how it ends
        uvicorn.Server(config).run(sockets=[ear])


def server_library(name: str) -> Any:
    """uvicorn or starlette; where it is not installed, a UserError says how to get it."""
    try:
        return import_module(name)
    except ImportError:
        raise UserError(f"{name} is needed and not installed; run: pip install 'marey[studio]'") from None
