"""The studio over HTTP, for this machine alone.

It listens on the loopback interface, answers only to names of it (a page elsewhere may point a name of its own at
127.0.0.1: DNS rebinding), takes requests of other pages for none, limits what it reads, and opens no path that a
request names. Nothing is written.
"""

import json
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import marey.report
from marey.core.config import from_json
from marey.core.errors import UserError
from marey.report.page import page_from
from marey.studio.answers import Studio
from marey.studio.exports import TYPES, Wish
from marey.studio.uploads import MOST_BYTES, Cut

HOSTS = ("127.0.0.1", "localhost")
_MOST_JSON = 8 << 20  # bytes of a request
_PAGE, _REPORT = Path(__file__).parent / "page", Path(marey.report.__file__).parent / "templates"
_FILES = {  # all that is ever sent from disk, and the report's style
    "/": (_PAGE / "studio.html", "text/html"),
    "/studio.css": (_PAGE / "studio.css", "text/css"),
    "/space.js": (_REPORT / "space.js", "text/javascript"),
    **{f"/{file.name}": (file, "text/javascript") for file in sorted(_PAGE.glob("*.js"))},
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class RefusedError(Exception):
    """A request that is answered with a sentence. status: of HTTP."""

    status: int
    sentence: str


def create_app(studio: Studio) -> Starlette:
    """The studio as an ASGI application."""
    turn = threading.Lock()  # one question at a time: two would share the cores and both come late
    routes = [Route(path, _guarded(_file(*file)), methods=["GET"]) for path, file in _FILES.items()]
    routes.append(Route("/style.css", _guarded(_style), methods=["GET"]))
    routes.append(Route("/api/start", _guarded(_start(studio)), methods=["GET"]))
    for name, (record, answer) in studio.questions.items():
        routes.append(Route(f"/api/{name}", _guarded(_question(record, answer, turn)), methods=["POST"]))
    routes.append(Route("/api/upload", _guarded(_upload(studio, turn)), methods=["POST"]))
    routes.append(Route("/api/export", _guarded(_export(studio, turn)), methods=["POST"]))
    return Starlette(routes=routes, exception_handlers={404: _no_such_page, 405: _no_such_page})


Handler = Callable[[Request], Awaitable[Response]]


def _guarded(handler: Handler) -> Handler:
    """The handler behind the checks; whatever goes wrong becomes a sentence in JSON."""

    async def answer(request: Request) -> Response:
        try:
            _check_sender(request)
            response = await handler(request)
        except RefusedError as refused:
            response = _sentence(refused.status, refused.sentence)
        except UserError as error:
            response = _sentence(400, str(error))
        except Exception:  # a defect: the terminal gets the traceback, the page a sentence
            traceback.print_exc(file=sys.stderr)
            response = _sentence(500, "the studio failed at this; its terminal says where")
        response.headers.update(_HEADERS)
        return response

    return answer


def _check_sender(request: Request) -> None:
    """From this machine's own page, or from a program that says nothing of an origin."""
    host = request.headers.get("host", "")
    if _part(f"//{host}", "hostname") not in HOSTS:
        raise RefusedError(403, f"the host {host[:80]!r} is not this studio; open it at http://{HOSTS[0]}")
    origin = request.headers.get("origin")
    if origin is not None and _part(origin, "netloc") != host:
        raise RefusedError(403, "requests of other pages are not answered")


def _part(address: str, part: str) -> str | None:
    """Of an address; None of what is none."""
    try:
        found: str | None = getattr(urlsplit(address), part)
    except ValueError:
        return None
    return found


def _file(path: Path, kind: str) -> Handler:
    async def send(_: Request) -> Response:
        return Response(path.read_bytes(), media_type=f"{kind}; charset=utf-8")

    return send


async def _style(_: Request) -> Response:
    return Response(page_from("style.css", {}), media_type="text/css; charset=utf-8")


def _start(studio: Studio) -> Handler:
    async def send(_: Request) -> Response:
        return _json(studio.start())

    return send


def _question(record: type, answer: Callable[[Any], Any], turn: threading.Lock) -> Handler:
    async def ask(request: Request) -> Response:
        data = await _json_of(request)
        return _json(await _in_turn(turn, lambda: answer(from_json(record, data, where="request"))))

    return ask


def _upload(studio: Studio, turn: threading.Lock) -> Handler:
    """The body is the file; how it is cut stands in the query, as JSON."""

    async def take(request: Request) -> Response:
        text = request.query_params.get("cut")
        cut = from_json(Cut, _parsed(text.encode()), where="cut") if text else None
        content = await _body(request, MOST_BYTES)
        return _json(await _in_turn(turn, lambda: studio.upload(content, cut)))

    return take


def _export(studio: Studio, turn: threading.Lock) -> Handler:
    async def give(request: Request) -> Response:
        wish = from_json(Wish, await _json_of(request), where="request")
        content = await _in_turn(turn, lambda: studio.export(wish))
        headers = {"Content-Disposition": f'attachment; filename="marey.{wish.kind}"'}
        return Response(content, media_type=TYPES[wish.kind], headers=headers)

    return give


async def _in_turn(turn: threading.Lock, work: Callable[[], Any]) -> Any:
    """The work in a thread of its own, so that the page is answered meanwhile."""

    def do() -> Any:
        with turn:
            return work()

    return await run_in_threadpool(do)


async def _json_of(request: Request) -> Any:
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise RefusedError(415, "the request is not JSON; send it as application/json")
    return _parsed(await _body(request, _MOST_JSON))


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the request is not valid JSON") from None


async def _body(request: Request, most: int) -> bytes:
    """The body of a request; one that is too long is not read to its end."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > most:
            raise RefusedError(413, f"this is larger than {most >> 20} MB; send less")
    return bytes(content)


def _json(answer: Any) -> Response:
    """A record as JSON; a number that is none becomes null."""
    kind: Any = type(answer)
    return Response(_adapter(kind).dump_json(answer), media_type="application/json")


@cache
def _adapter(kind: type) -> Any:
    return TypeAdapter(kind)


def _sentence(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)


async def _no_such_page(_: Request, __: Exception) -> Response:
    response = _sentence(404, "there is no such page here")
    response.headers.update(_HEADERS)
    return response
