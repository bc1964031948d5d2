"""The six messages as values, and their way to and from bytes.

Unknown fields are ignored, so that either side may be newer. Unknown *types* parse to ``None`` for the
same reason. A known type with a missing or wrong field is a ``ProtocolError``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar, Union

from .framing import FrameDecoder, ProtocolError, RawFrame, encode_frame
from .version import PROTOCOL_VERSION

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Hello:
    """The engine's first message: what it is and what it can do.

    ``devices`` are ``{"id": "cpu" | "cuda:0", "name", "memory_free_bytes", "memory_total_bytes"}``.
    """

    type: ClassVar[str] = "hello"
    engine: str
    methods: tuple[str, ...] = ()
    devices: tuple[Json, ...] = ()
    protocol: str = PROTOCOL_VERSION
    pid: int = 0

    def to_json(self) -> Json:
        """The fields as the stream carries them."""
        return {
            "protocol": self.protocol,
            "engine": self.engine,
            "methods": list(self.methods),
            "devices": list(self.devices),
            "pid": self.pid,
        }

    @classmethod
    def from_json(cls, data: Json) -> Hello:
        """Read the fields; see the module on unknown ones."""
        methods, devices = _get(data, "methods", list, []), _get(data, "devices", list, [])
        return cls(
            engine=_get(data, "engine", str),
            methods=tuple(name for name in methods if isinstance(name, str)),
            devices=tuple(device for device in devices if isinstance(device, dict)),
            protocol=_get(data, "protocol", str),
            pid=_get(data, "pid", int, 0),
        )


@dataclass(frozen=True)
class Request:
    """Please run a named method. ``id`` is the caller's choice and never used twice on one stream."""

    type: ClassVar[str] = "request"
    id: int
    method: str
    params: Json = field(default_factory=dict)

    def to_json(self) -> Json:
        """The fields as the stream carries them."""
        return {"id": self.id, "method": self.method, "params": self.params}

    @classmethod
    def from_json(cls, data: Json) -> Request:
        """Read the fields; see the module on unknown ones."""
        return cls(_get(data, "id", int), _get(data, "method", str), _get(data, "params", dict, {}))


@dataclass(frozen=True)
class Cancel:
    """Please stop request ``id``. Harmless where it has ended already."""

    type: ClassVar[str] = "cancel"
    id: int

    def to_json(self) -> Json:
        """The fields as the stream carries them."""
        return {"id": self.id}

    @classmethod
    def from_json(cls, data: Json) -> Cancel:
        """Read the fields; see the module on unknown ones."""
        return cls(_get(data, "id", int))


@dataclass(frozen=True)
class Progress:
    """Step ``done`` of ``total`` (0: unknown). ``partial`` names what can be shown already."""

    type: ClassVar[str] = "progress"
    id: int
    done: int
    total: int
    message: str = ""
    partial: Json | None = None

    def to_json(self) -> Json:
        """The fields as the stream carries them."""
        data: Json = {"id": self.id, "done": self.done, "total": self.total, "message": self.message}
        return data if self.partial is None else {**data, "partial": self.partial}

    @classmethod
    def from_json(cls, data: Json) -> Progress:
        """Read the fields; see the module on unknown ones."""
        return cls(
            id=_get(data, "id", int),
            done=_get(data, "done", int),
            total=_get(data, "total", int),
            message=_get(data, "message", str, ""),
            partial=_get_optional(data, "partial"),
        )


@dataclass(frozen=True)
class Result:
    """Request ``id`` is done. ``payload`` carries pixels; everything else that is data is a file."""

    type: ClassVar[str] = "result"
    id: int
    result: Json = field(default_factory=dict)
    payload: bytes = field(default=b"", repr=False)

    def to_json(self) -> Json:
        """The fields as the stream carries them, without the payload."""
        return {"id": self.id, "result": self.result}

    @classmethod
    def from_json(cls, data: Json) -> Result:
        """Read the fields; see the module on unknown ones."""
        return cls(_get(data, "id", int), _get(data, "result", dict, {}))


@dataclass(frozen=True)
class Error:
    """Request ``id`` failed: a stable code, what was found, what to do.

    ``details`` may hold ``{"partial": ...}``: what a cancelled or failed job had found and kept.
    """

    type: ClassVar[str] = "error"
    id: int
    code: str
    message: str
    hint: str = ""
    details: Json | None = None

    def to_json(self) -> Json:
        """The fields as the stream carries them."""
        data: Json = {"id": self.id, "code": self.code, "message": self.message, "hint": self.hint}
        return data if self.details is None else {**data, "details": self.details}

    @classmethod
    def from_json(cls, data: Json) -> Error:
        """Read the fields; see the module on unknown ones."""
        return cls(
            id=_get(data, "id", int),
            code=_get(data, "code", str),
            message=_get(data, "message", str),
            hint=_get(data, "hint", str, ""),
            details=_get_optional(data, "details"),
        )


# ``X | Y`` of classes needs Python 3.10 when it is not an annotation.
Message = Union[Hello, Request, Cancel, Progress, Result, Error]
_TYPES: dict[str, type[Any]] = {kind.type: kind for kind in (Hello, Request, Cancel, Progress, Result, Error)}


def encode(message: Message) -> bytes:
    """The bytes of one message, ready for the stream.

    Raises:
        ProtocolError: the message is too large, or holds something that JSON cannot.
    """
    data = {"type": message.type, **message.to_json()}
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        header = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"A {message.type} message does not fit into JSON: {error}") from error
    return encode_frame(RawFrame(header, message.payload if isinstance(message, Result) else b""))


def parse(frame: RawFrame) -> Message | None:
    """The message in a frame, or ``None`` for a type that this version does not know.

    Raises:
        ProtocolError: not a JSON object, no type, or a field that is missing or wrong.
    """
    try:
        data = json.loads(frame.header)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"A message header is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ProtocolError(f"Expected a JSON object as message header, found {type(data).__name__}.")
    kind = _TYPES.get(_get(data, "type", str))
    if kind is None:
        return None
    message: Message = kind.from_json(data)
    if isinstance(message, Result) and frame.payload:
        return Result(message.id, message.result, frame.payload)
    return message


class MessageDecoder:
    """Turns chunks of any size into messages."""

    def __init__(self) -> None:
        self._frames = FrameDecoder()

    @property
    def pending_bytes(self) -> int:
        """Bytes of an unfinished message."""
        return self._frames.pending_bytes

    def feed(self, chunk: bytes | bytearray | memoryview) -> list[Message]:
        """Take some bytes, give the messages that they complete; unknown types are dropped.

        Raises:
            ProtocolError: the bytes are not this protocol.
        """
        parsed = (parse(frame) for frame in self._frames.feed(chunk))
        return [message for message in parsed if message is not None]


def _get(data: Json, key: str, kind: type[T], default: T | None = None) -> T:
    value = data.get(key, default)
    if key not in data and default is None:
        raise ProtocolError(f"A {data.get('type', '')!s} message lacks the field {key!r}.")
    # True is an int in Python, but not on the wire.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ProtocolError(
            f"Expected field {key!r} to be {kind.__name__}, found {type(value).__name__} "
            f"in a {data.get('type', '')!s} message."
        )
    return value


def _get_optional(data: Json, key: str) -> Json | None:
    return None if data.get(key) is None else _get(data, key, dict)
