"""The door to a model on a server: the chat completions API of vLLM, llama.cpp, Ollama and LM Studio.

Nothing is sent before somebody names a server. The answer is read in an event loop of its own, so that a
cancelled question closes the connection at once, even while the server is still silent.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rs_copilot.errors import BadInputError, MissingDependencyError, UsageError
from rs_copilot.vlm import openai_wire as wire
from rs_copilot.vlm.backend import Conversation, Decoding, Reply, Stop, Usage, never, unheard
from rs_copilot.vlm.families import QWEN3_VL, Family
from rs_copilot.vlm.openai_wire import Piece
from rs_copilot.vlm.parsing import Repeats

if TYPE_CHECKING:
    import httpx2

KEY_VARIABLE = "RS_COPILOT_VLM_KEY"
CONNECT_S = 5.0
# A server that loads a model first, or reads many pictures, is silent for minutes.
SILENT_S = 600.0
LIST_S = 10.0
CANCEL_CHECK_S = 0.05
MAX_ANSWER_BYTES, MAX_LIST_BYTES, MAX_EVENT_BYTES = 32 << 20, 1 << 20, 1 << 20
# vLLM batches what comes together; the small servers answer one after the other.
AT_ONCE = 8
UNHELD = "The server cannot hold an answer to a form: it was only asked for it."
HINT = "Give the address of a server and the model on it: http://HOST:PORT/v1#MODEL."


@dataclass(frozen=True)
class Address:
    """Where a server is. ``base`` ends before ``/chat/completions``."""

    base: str
    model: str
    host: str
    port: int
    is_loopback: bool
    is_encrypted: bool

    @property
    def shown(self) -> str:
        """For people: where pixels and words go."""
        if self.is_loopback:
            return f"server on this machine, port {self.port}"
        return f"{self.host}:{self.port}" + ("" if self.is_encrypted else " (not encrypted)")


def parse_address(name: str) -> Address:
    """``http(s)://HOST[:PORT][/PATH]#MODEL``; without a path ``/v1``, without a model an empty one.

    Raises:
        UsageError: no such address, or one with a password or a query in it.
    """
    try:
        parts = urlsplit(name)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise UsageError(f"{wire.quote(name)} is no address: {error}", hint=HINT) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{wire.quote(name)} is no address of a server", hint=HINT)
    if parts.username is not None or parts.password is not None or parts.query:
        # Addresses end up in tables and logs.
        raise UsageError(
            "the address of a server holds a password or a query",
            hint=f"Set the key as {KEY_VARIABLE} instead.",
        )
    path = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    base = f"{parts.scheme}://{parts.netloc}{path}"
    return Address(
        base, parts.fragment, parts.hostname, port, _is_loopback(parts.hostname), parts.scheme == "https"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_server(name: str, *, family: Family | None = None, key: str | None = None) -> ServerBackend:
    """Ask a server for its models, and choose one.

    Args:
        name: ``http(s)://HOST/v1#MODEL``; the model may be left out where there is only one.
        family: how to speak to it; without it what the model's name tells.
        key: what the server wants to see; without it that of the environment, ``RS_COPILOT_VLM_KEY``.

    Raises:
        UsageError: no such address, or several models and none named.
        MissingDependencyError: the server does not answer or does not have the model.
    """
    address = parse_address(name)
    connection = Connection(address, key or os.environ.get(KEY_VARIABLE) or None)
    known = asyncio.run(connection.list_models())
    model = address.model or _only(known, address)
    # Ollama adds ":latest" itself.
    if known and not any(item == model or item.startswith(f"{model}:") for item in known):
        shown = ", ".join(wire.quote(item) for item in known[:8])
        raise MissingDependencyError(
            f"the server at {address.shown} has no model {wire.quote(model)!r}", hint=f"It has: {shown}."
        )
    return ServerBackend(connection, model, family or wire.family_of(model))


def _only(known: Sequence[str], address: Address) -> str:
    if len(known) == 1:
        return known[0]
    found = ", ".join(wire.quote(item) for item in known[:8]) or "none"
    raise UsageError(f"expected the name of a model; the server at {address.shown} has: {found}", hint=HINT)


@dataclass(frozen=True)
class Connection:
    """How a server is spoken to. The key is never shown."""

    address: Address
    key: str | None = field(default=None, repr=False)

    def client(self) -> httpx2.AsyncClient:
        """A client for one event loop: it follows no redirects, and passes by proxies on this machine."""
        import httpx2

        return httpx2.AsyncClient(
            # Without compression the bytes that are counted are those that are kept.
            headers={"Accept-Encoding": "identity"}
            | ({"Authorization": f"Bearer {self.key}"} if self.key else {}),
            timeout=httpx2.Timeout(SILENT_S, connect=CONNECT_S),
            follow_redirects=False,
            trust_env=not self.address.is_loopback,
        )

    async def list_models(self) -> list[str]:
        """Names of the models; none where the server keeps them to itself.

        Raises:
            MissingDependencyError: it does not answer, or wants a key.
        """
        async with self.client() as client:
            try:
                async with client.stream("GET", f"{self.address.base}/models", timeout=LIST_S) as response:
                    body = await _body(response, MAX_LIST_BYTES)
            except _http_errors() as error:
                raise self.failure(error) from error
        if response.status_code in (401, 403) or response.is_redirect:
            raise self.scrubbed(response.status_code, body)
        return wire.model_names(body) if response.is_success else []

    async def pieces(self, client: httpx2.AsyncClient, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """The events of one answer, up to the last.

        Raises:
            BadInputError: the server refuses what was sent.
            MissingDependencyError: it does not answer, breaks off, or speaks another language.
        """
        url = f"{self.address.base}/chat/completions"
        try:
            async with client.stream("POST", url, json=body) as response:
                if not response.is_success:
                    raise self.scrubbed(response.status_code, await _body(response, MAX_LIST_BYTES))
                async with aclosing(_events(response)) as events:
                    async for data in events:
                        yield wire.read_piece(self.hide(data))
        except _http_errors() as error:
            raise self.failure(error) from error

    def hide(self, text: str) -> str:
        """The text without the key: some servers repeat it."""
        return text.replace(self.key, "***") if self.key else text

    def scrubbed(self, status: int, body: str) -> Exception:
        """What the server says no with."""
        return wire.refusal(status, self.hide(body))

    def failure(self, error: Exception) -> MissingDependencyError:
        """A connection that does not come about, breaks, or brings something else."""
        import httpx2

        is_absent = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
        found = "nobody answers" if is_absent else "the answer breaks off"
        why = wire.quote(self.hide(f"{type(error).__name__}: {error}"))
        return MissingDependencyError(
            f"expected a model server at {self.address.shown}, but {found} ({why})",
            hint="Start it, check the address and its log, then ask again.",
        )


def _http_errors() -> tuple[type[Exception], ...]:
    import httpx2

    return httpx2.HTTPError, httpx2.StreamError, UnicodeError


async def _body(response: httpx2.Response, limit: int) -> str:
    """The beginning of a body: no more than we would look at."""
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > limit:
            break
    return data[:limit].decode("utf-8", "replace")


async def _events(response: httpx2.Response) -> AsyncGenerator[str, None]:
    """What the events of a stream hold, up to the mark of its end."""
    import httpx2

    if response.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/event-stream":
        # A server that does not stream answers in one piece.
        yield await _body(response, MAX_ANSWER_BYTES)
        return
    async for event in httpx2.EventSource(response, MAX_EVENT_BYTES):
        if event.data.strip() == "[DONE]":
            return
        if response.num_bytes_downloaded > MAX_ANSWER_BYTES:
            raise httpx2.StreamError(f"the answer is longer than {MAX_ANSWER_BYTES >> 20} MiB")
        if event.data:
            yield event.data


class ServerBackend:
    """A model on a server; see `rs_copilot.vlm.backend.Backend`. `open_server` makes one."""

    sha256 = None
    device = "server"

    def __init__(self, connection: Connection, model: str, family: Family | None) -> None:
        self.model = model
        self.family = family or QWEN3_VL
        self.sends_to: str | None = connection.address.shown
        self._connection = connection
        self._is_guess = family is None
        self._holds_forms = True

    def reply(
        self,
        conversation: Conversation,
        decoding: Decoding,
        on_text: Callable[[str], None] = unheard,
        is_cancelled: Callable[[], bool] = never,
    ) -> Reply:
        """The answer to the last message; see `Backend.reply`. Not from inside a running event loop."""
        return asyncio.run(self._replies([conversation], decoding, on_text, is_cancelled))[0]

    def reply_all(
        self,
        conversations: Sequence[Conversation],
        decoding: Decoding,
        is_cancelled: Callable[[], bool] = never,
    ) -> list[Reply]:
        """Answers to several conversations, some at the same time; see `Backend.reply_all`."""
        return asyncio.run(self._replies(conversations, decoding, unheard, is_cancelled))

    def close(self) -> None:
        """Nothing is held between questions."""

    async def _replies(
        self,
        conversations: Sequence[Conversation],
        decoding: Decoding,
        on_text: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> list[Reply]:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(client: httpx2.AsyncClient, conversation: Conversation) -> Reply:
            async with room:
                return await self._reply(client, conversation, decoding, on_text, is_cancelled)

        async with self._connection.client() as client:
            tasks = [asyncio.ensure_future(one(client, item)) for item in conversations]
            try:
                return list(await asyncio.gather(*tasks))
            finally:
                # After a failure the others need not go on.
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _reply(
        self,
        client: httpx2.AsyncClient,
        conversation: Conversation,
        decoding: Decoding,
        on_text: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> Reply:
        answer = _Answer(Repeats(decoding.repeats), decoding.max_tokens)
        if is_cancelled():
            return self._finished(answer, conversation)
        lossless = self._connection.address.is_loopback
        body = wire.request_body(self.model, conversation, self.family, decoding, lossless=lossless)
        if not self._holds_forms and body.pop(wire.FORM, None) is not None:
            answer.notes.append(UNHELD)
        reading = asyncio.ensure_future(self._read(client, body, answer, on_text, is_cancelled))
        try:
            while not reading.done():
                await asyncio.wait([reading], timeout=CANCEL_CHECK_S)
                if is_cancelled():
                    break
            if reading.done():
                reading.result()
        finally:
            # Ends the request, and with it the server's work.
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return self._finished(answer, conversation)

    async def _read(
        self,
        client: httpx2.AsyncClient,
        body: dict[str, Any],
        answer: _Answer,
        on_text: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        try:
            await self._hear(client, body, answer, on_text, is_cancelled)
        except BadInputError as refused:
            if answer.said or not wire.is_about_form(body, refused):
                raise
            plain = {key: value for key, value in body.items() if key != wire.FORM}
            await self._hear(client, plain, answer, on_text, is_cancelled)
            # It took the same without the schema: that is what it cannot do.
            self._holds_forms = False
            answer.notes.append(UNHELD)

    async def _hear(
        self,
        client: httpx2.AsyncClient,
        body: dict[str, Any],
        answer: _Answer,
        on_text: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        async with aclosing(self._connection.pieces(client, body)) as pieces:
            async for piece in pieces:
                if is_cancelled():
                    return
                if answer.take(piece):
                    on_text(piece.text)
                if answer.is_enough:
                    return
        if answer.stop is Stop.CANCELLED:
            # The stream ended without saying why.
            answer.stop = Stop.END
            answer.notes.append("The server broke off without saying that the answer was complete.")

    def _finished(self, answer: _Answer, conversation: Conversation) -> Reply:
        expected = wire.image_tokens(conversation, self.family)
        said = answer.usage
        notes = list(answer.notes)
        if self._is_guess and expected:
            notes.append(f"The family of {wire.quote(self.model)} is unknown: boxes are read as thousandths.")
        if said.prompt_tokens is not None and said.prompt_tokens < expected:
            notes.append(
                f"The server made {said.prompt_tokens} tokens of at least {expected}: it shows the model "
                "smaller pictures, and boxes may be off."
            )
        usage = Usage(
            said.prompt_tokens or 0,
            said.cached_tokens or 0,
            expected,
            answer.count if said.new_tokens is None else said.new_tokens,
            answer.first_s,
            time.monotonic() - answer.started,
        )
        seen = wire.sizes_seen(conversation, self.family)
        return Reply("".join(answer.said), answer.stop, seen, usage, tuple(notes))


@dataclass
class _Answer:
    """An answer that is still growing. Until the server says why it ended it counts as cut short."""

    repeats: Repeats
    max_pieces: int
    said: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stop: Stop = Stop.CANCELLED
    usage: Piece = field(default_factory=Piece)
    count: int = 0
    first_s: float = 0.0
    started: float = field(default_factory=time.monotonic)
    is_enough: bool = False

    def take(self, piece: Piece) -> bool:
        """Keep an event; true where it brings text."""
        if piece.prompt_tokens is not None or piece.new_tokens is not None:
            self.usage = piece
        if piece.finish is not None:
            self.stop = Stop.LENGTH if piece.finish == "length" else Stop.END
        if not piece.text:
            return False
        self.said.append(piece.text)
        self.count += 1
        self.first_s = self.first_s or time.monotonic() - self.started
        if self.repeats.feed(piece.text):
            self.stop, self.is_enough = Stop.REPEATED, True
        elif self.count > self.max_pieces:
            # A piece is a token or more: this server does not keep to what was asked.
            self.stop, self.is_enough = Stop.LENGTH, True
        return True
