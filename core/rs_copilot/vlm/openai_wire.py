"""What goes over the wire to an OpenAI-compatible server, and what comes back. Pure.

Names of fields are those of the chat completions API as vLLM, llama.cpp, Ollama and LM Studio speak it.
Whatever a server sends is foreign text: it is read field by field, and shortened before anybody sees it.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from rs_copilot.errors import BadInputError, MissingDependencyError, RsCopilotError
from rs_copilot.types import ByteImage, SizeWH
from rs_copilot.vlm.backend import Conversation, Decoding
from rs_copilot.vlm.families import QWEN3_VL, QWEN25_VL, RSCOVLM, Family
from rs_copilot.vlm.messages import ImagePart, Part, TextPart, VideoPart
from rs_copilot.vlm.resize import seen_size

JPEG_QUALITY = 95
MAX_QUOTE = 200
# What servers without constrained decoding do not know, or refuse.
FORM = "response_format"
# What servers say of too long a conversation and of models that cannot see; each says it in its own way.
TOO_LONG = re.compile(r"context.{0,12}(length|size|window)|exceed_context|too many tokens", re.IGNORECASE)
BLIND = re.compile(
    r"image input is not supported|does not support (image|vision|multimodal)|not a (multimodal|vision) model"
    r"|no vision|image_url.{0,40}(unsupported|not supported|invalid)",
    re.IGNORECASE,
)
NO_MODEL = re.compile(r"model.{0,120}(not exist|not found|not loaded|unknown)|model_not_found", re.I | re.S)
TOO_LONG_HINT = (
    "Show fewer or smaller pictures, begin a new conversation, or start the server with more room."
)
# Longest first: names of newer families contain those of older ones.
FAMILY_OF = (
    (re.compile(r"rscovlm", re.IGNORECASE), RSCOVLM),
    (re.compile(r"qwen[-_. ]?3[-_. ]?vl", re.IGNORECASE), QWEN3_VL),
    (re.compile(r"qwen[-_. ]?2[-_. ]?5[-_. ]?vl", re.IGNORECASE), QWEN25_VL),
)


def family_of(model: str) -> Family | None:
    """The family of a model by its name on a server; ``None`` where the name does not tell."""
    return next((family for pattern, family in FAMILY_OF if pattern.search(model)), None)


@dataclass(frozen=True)
class Piece:
    """One event of a streamed answer. Counts are ``None`` where the server does not say."""

    text: str = ""
    finish: str | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    new_tokens: int | None = None


def request_body(
    model: str, conversation: Conversation, family: Family, decoding: Decoding, *, lossless: bool
) -> dict[str, Any]:
    """The request for a streamed answer. Pictures are resized here to what the model sees."""
    messages = []
    for message in conversation:
        if message.pictures:
            parts = [item for part in message.parts for item in _content(part, family, lossless=lossless)]
            messages.append({"role": message.role.value, "content": parts})
        else:
            messages.append({"role": message.role.value, "content": message.text})
    return _form(decoding) | {
        "model": model,
        "messages": messages,
        "max_tokens": decoding.max_tokens,
        "temperature": decoding.temperature,
        "seed": decoding.seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _form(decoding: Decoding) -> dict[str, Any]:
    """The schema that an answer is held to, where there is one."""
    if decoding.schema is None:
        return {}
    held = {"name": "answer", "strict": True, "schema": dict(decoding.schema)}
    return {FORM: {"type": "json_schema", "json_schema": held}}


def is_about_form(body: dict[str, Any], refused: RsCopilotError) -> bool:
    """Whether a refusal may be due to the schema in a request: it is not about size or sight."""
    said = str(refused)
    return (
        FORM in body
        and isinstance(refused, BadInputError)
        and not (TOO_LONG.search(said) or BLIND.search(said))
    )


def sizes_seen(conversation: Conversation, family: Family) -> tuple[SizeWH, ...]:
    """In which size each picture of a conversation is sent, in order."""
    return tuple(_seen(part, family) for message in conversation for part in message.pictures)


def image_tokens(conversation: Conversation, family: Family) -> int:
    """How many visual tokens the pictures of a conversation make; every frame of a clip counts."""
    total = 0
    for message in conversation:
        for part in message.pictures:
            size = _seen(part, family)
            frames = len(part.frames) if isinstance(part, VideoPart) else 1
            total += frames * size.width_px * size.height_px // family.unit_px**2
    return total


def _seen(part: ImagePart | VideoPart, family: Family) -> SizeWH:
    return seen_size(part.size, family.unit_px, (part.budget or family.limits).within(family.limits))


def _content(part: Part, family: Family, *, lossless: bool) -> Iterator[dict[str, Any]]:
    if isinstance(part, TextPart):
        yield {"type": "text", "text": part.text}
        return
    size = _seen(part, family)
    if isinstance(part, ImagePart):
        yield _picture(part.pixels, size, lossless=lossless)
        return
    for frame, time_s in zip(part.frames, part.times_s, strict=True):
        yield {"type": "text", "text": f"{time_s:.2f} s:"}
        yield _picture(frame, size, lossless=lossless)


def _picture(pixels: ByteImage, size: SizeWH, *, lossless: bool) -> dict[str, Any]:
    """A picture as a data URL, in exactly the given size: only then are the model's pixels known."""
    image = Image.fromarray(pixels)
    if image.size != (size.width_px, size.height_px):
        # What the processors of the Qwen-VL models do.
        image = image.resize((size.width_px, size.height_px), Image.Resampling.BICUBIC)
    data = io.BytesIO()
    if lossless:
        image.save(data, "PNG", compress_level=1)
    else:
        image.save(data, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    kind = "png" if lossless else "jpeg"
    url = f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
    return {"type": "image_url", "image_url": {"url": url}}


def read_piece(data: str) -> Piece:
    """One event of a stream, or a whole answer of a server that does not stream.

    Raises:
        BadInputError: the server refuses what was sent.
        MissingDependencyError: it reports another failure, or this is no event of an answer.
    """
    try:
        event = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise not_the_api(data) from error
    if not isinstance(event, dict):
        raise not_the_api(data)
    if event.get("error"):
        raise refusal(int(_number(_dict(event["error"]).get("code")) or 500), data)
    choices = event.get("choices")
    choice = _dict(choices[0]) if isinstance(choices, list) and choices else {}
    said = _dict(choice.get("delta") or choice.get("message"))
    usage = _dict(event.get("usage"))
    text, finish = said.get("content"), choice.get("finish_reason")
    return Piece(
        text if isinstance(text, str) else "",
        finish if isinstance(finish, str) else None,
        _number(usage.get("prompt_tokens")),
        _number(_dict(usage.get("prompt_tokens_details")).get("cached_tokens")),
        _number(usage.get("completion_tokens")),
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None


def model_names(text: str) -> list[str]:
    """Names of the models that a server lists; none where it lists something else."""
    try:
        listed = _dict(json.loads(text)).get("data")
    except (ValueError, RecursionError):
        return []
    names = [_dict(item).get("id") for item in listed] if isinstance(listed, list) else []
    return [name for name in names if isinstance(name, str) and 0 < len(name) <= MAX_QUOTE]


def quote(text: str) -> str:
    """Foreign text in a message of ours: one line, printable, short."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * MAX_QUOTE]).split())
    return line if len(line) <= MAX_QUOTE else f"{line[:MAX_QUOTE]}…"


def not_the_api(text: str) -> MissingDependencyError:
    """What answers is not an OpenAI-compatible server."""
    return MissingDependencyError(
        f"expected an answer of the chat completions API, found {quote(text)!r}",
        hint="Check the address: it ends with /v1 for vLLM, llama.cpp, Ollama and LM Studio.",
    )


def refusal(status: int, body: str) -> RsCopilotError:
    """What a server says no with, as an error that tells what to do."""
    said = f"the model server answers {status}: {quote(_message(body))}"
    for applies, kind, hint in (
        (status in (401, 403), MissingDependencyError, "It wants a key: set RS_COPILOT_VLM_KEY."),
        (TOO_LONG.search(body), BadInputError, TOO_LONG_HINT),
        (BLIND.search(body), BadInputError, "Serve a model that sees (llama.cpp: with its --mmproj file)."),
        (status == 404 or NO_MODEL.search(body), MissingDependencyError, "Check http://HOST:PORT/v1#MODEL."),
        (300 <= status < 400, MissingDependencyError, "It sends elsewhere: give that address instead."),
        (status == 429, MissingDependencyError, "It is busy: ask again in a moment."),
        (status in (400, 413, 422), BadInputError, "The log of the server may say more."),
    ):
        if applies:
            return kind(said, hint=hint)
    return MissingDependencyError(said, hint="The log of the server may say more.")


def _message(body: str) -> str:
    try:
        found = _dict(json.loads(body))
    except (ValueError, RecursionError):
        return body
    error = found.get("error")
    inner = _dict(error).get("message") or (error if isinstance(error, str) else None) or found.get("message")
    return inner if isinstance(inner, str) else body
