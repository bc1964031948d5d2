"""Models on a server, against a local one that speaks the API well or badly."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rs_copilot.errors import BadInputError, MissingDependencyError, RsCopilotError, UsageError
from rs_copilot.jobs.backends import BackendSpec, open_backend
from rs_copilot.types import SizeWH
from rs_copilot.vlm import openai_backend
from rs_copilot.vlm.backend import Decoding, Stop
from rs_copilot.vlm.families import QWEN3_VL, QWEN25_VL, RSCOVLM
from rs_copilot.vlm.messages import ImagePart, VideoPart, assistant, system, user
from rs_copilot.vlm.openai_backend import open_server, parse_address
from rs_copilot.vlm.openai_wire import MAX_QUOTE, Piece, family_of, quote, read_piece
from rs_copilot.vlm.resize import PixelBudget

MODEL = "Qwen2.5-VL-7B"
KEY = "sk-not-for-you"
STEPS = np.linspace(0, 255, 600).astype(np.uint8)
PICTURE = ImagePart(np.stack([np.broadcast_to(STEPS, (400, 600))] * 3, axis=-1), PixelBudget(28 * 28, 10**6))


class Server:
    """Answers with ``reply``: it gets the request's body and the handler to write to."""

    def __init__(self) -> None:
        self.reply: Callable[[dict, BaseHTTPRequestHandler], None] = lambda body, out: stream(out, ["ok"])
        self.models: list[str] = [MODEL]
        self.heard: list[dict] = []
        self.keys: list[str | None] = []
        self.broken = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.keys.append(self.headers["Authorization"])
                send(self, 200, {"data": [{"id": name} for name in server.models]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.heard.append(body)
                try:
                    server.reply(body, self)
                except OSError:
                    server.broken.set()

            def log_message(self, *_: object) -> None:
                return None

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def open(self, **more):
        return open_server(f"{self.url}#{MODEL}", **more)

    def ask(self, *parts, decoding: Decoding | None = None, **more):
        return self.open().reply([user(*(parts or ("Hello",)))], decoding or Decoding(), **more)


def send(out: BaseHTTPRequestHandler, status: int, body: object, **headers: str) -> None:
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    out.send_response(status)
    out.send_header("Content-Length", str(len(data)))
    for name, value in headers.items():
        out.send_header(name, value)
    out.end_headers()
    out.wfile.write(data)


def begin(out: BaseHTTPRequestHandler) -> None:
    out.send_response(200)
    out.send_header("Content-Type", "text/event-stream; charset=utf-8")
    out.end_headers()


def event(out: BaseHTTPRequestHandler, data: object) -> None:
    text = data if isinstance(data, str) else json.dumps(data)
    out.wfile.write(f"data: {text}\n\n".encode())
    out.wfile.flush()


def delta(text: str, finish: str | None = None) -> dict:
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}


def stream(out: BaseHTTPRequestHandler, words: list[str], finish: str = "stop", usage: object = None) -> None:
    begin(out)
    for word in words:
        event(out, delta(word))
    event(out, delta("", finish))
    if usage is not None:
        event(out, {"choices": [], "usage": usage})
    event(out, "[DONE]")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def shown(part: dict) -> Image.Image:
    kind, _, data = part["image_url"]["url"].partition(",")
    assert kind == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_text_streams_and_the_figures_come_with_it(server):
    usage = {"prompt_tokens": 900, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 880}}
    server.reply = lambda body, out: stream(out, ["There ", "is ", "a dög."], usage=usage)
    heard: list[str] = []
    reply = server.ask(PICTURE, "What is there?", on_text=heard.append)
    assert heard == ["There ", "is ", "a dög."]
    assert (reply.text, reply.stop) == ("There is a dög.", Stop.END)
    assert (reply.usage.prompt_tokens, reply.usage.cached_tokens, reply.usage.new_tokens) == (900, 880, 3)
    assert reply.usage.image_tokens == (588 // 28) * (392 // 28)
    assert not reply.notes


def test_pictures_arrive_in_exactly_the_size_that_the_model_sees(server):
    clip = VideoPart(np.zeros((2, 56, 84, 3), np.uint8), (0.0, 1.5), PixelBudget(28 * 28, 10**6))
    conversation = [system("S"), user(PICTURE, "Q"), assistant("A"), user(clip, "And now?")]
    reply = server.open().reply(conversation, Decoding(max_tokens=7, seed=3))
    assert reply.seen == (SizeWH(588, 392), SizeWH(84, 56))
    body = server.heard[0]
    assert (body["model"], body["max_tokens"], body["seed"], body["temperature"]) == (MODEL, 7, 3, 0.0)
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    picture, question = body["messages"][1]["content"]
    assert question == {"type": "text", "text": "Q"}
    assert shown(picture).size == (588, 392)
    assert abs(int(np.asarray(shown(picture))[200, 294, 0]) - 127) <= 2
    kinds = [part["type"] for part in body["messages"][3]["content"]]
    assert kinds == ["text", "image_url", "text", "image_url", "text"]
    assert body["messages"][3]["content"][2]["text"] == "1.50 s:"


FORM = Decoding(schema={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})


def test_a_schema_is_sent_and_kept_from_servers_that_refuse_it(server):
    server.reply = lambda body, out: stream(out, ['{"a": ', "1}"])
    assert server.ask(decoding=FORM).notes == ()
    sent = server.heard[-1]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"] == FORM.schema
    server.ask()
    assert "response_format" not in server.heard[-1]

    def refuse(body, out):
        if "response_format" in body:
            send(out, 400, {"error": {"message": "Unrecognized request argument"}})
        else:
            stream(out, ['{"a": 2}'])

    server.reply = refuse
    backend, count = server.open(), len(server.heard)
    replies = [backend.reply([user("Hello")], FORM) for _ in range(2)]
    assert [reply.text for reply in replies] == ['{"a": 2}'] * 2
    assert [reply.notes for reply in replies] == [(openai_backend.UNHELD,)] * 2
    # The second time it is not tried again.
    assert ["response_format" in body for body in server.heard[count:]] == [True, False, False]


def test_what_is_refused_for_another_reason_stays_refused(server):
    server.reply = lambda body, out: send(out, 400, {"error": {"message": "no"}})
    with pytest.raises(BadInputError, match="no"):
        server.ask(decoding=FORM)
    assert len(server.heard) == 2
    server.reply = lambda body, out: send(out, 400, {"error": {"message": "maximum context length is 4096"}})
    with pytest.raises(BadInputError, match="context"):
        server.ask(decoding=FORM)
    assert len(server.heard) == 3


def test_cancel_closes_the_connection_while_words_come(server):
    def slow(body, out):
        begin(out)
        for _ in range(400):
            event(out, delta("word "))
            time.sleep(0.02)

    server.reply = slow
    heard: list[str] = []
    reply = server.ask(on_text=heard.append, is_cancelled=lambda: len(heard) >= 3)
    assert (reply.stop, reply.text) == (Stop.CANCELLED, "word " * 3)
    assert server.broken.wait(2.0)


def test_cancel_does_not_wait_for_a_silent_server(server):
    server.reply = lambda body, out: time.sleep(1.5)
    begun = time.monotonic()
    reply = server.ask(is_cancelled=lambda: time.monotonic() > begun + 0.2)
    assert time.monotonic() - begun < 1.0
    assert (reply.stop, reply.text) == (Stop.CANCELLED, "")


def test_endless_repetition_is_stopped(server):
    server.reply = lambda body, out: stream(out, ["1,2,3,4 ship\n"] * 100)
    reply = server.ask(decoding=Decoding(repeats=5))
    assert reply.stop is Stop.REPEATED
    assert reply.text.count("\n") == 6


def test_a_server_that_never_ends_is_left(server, monkeypatch):
    server.reply = lambda body, out: stream(out, [f"{number}\n" for number in range(500)])
    reply = server.ask(decoding=Decoding(max_tokens=20))
    assert reply.stop is Stop.LENGTH
    assert reply.text.count("\n") == 21
    monkeypatch.setattr(openai_backend, "MAX_ANSWER_BYTES", 2000)
    with pytest.raises(MissingDependencyError, match="is longer than"):
        server.ask()


def test_a_silent_server_is_not_waited_for_without_end(server, monkeypatch):
    monkeypatch.setattr(openai_backend, "SILENT_S", 0.1)
    server.reply = lambda body, out: time.sleep(0.5)
    with pytest.raises(MissingDependencyError, match="Timeout"):
        server.ask()


def test_many_conversations_are_answered_in_their_order(server):
    def echo(body, out):
        text = body["messages"][0]["content"]
        time.sleep(0.1 if text == "0" else 0.0)
        stream(out, [text])

    server.reply = echo
    replies = server.open().reply_all([[user(str(number))] for number in range(12)], Decoding())
    assert [reply.text for reply in replies] == [str(number) for number in range(12)]


def test_one_failure_among_many_is_reported(server):
    def some(body, out):
        if body["messages"][0]["content"] == "3":
            send(out, 500, "boom")
        else:
            stream(out, ["ok"])

    server.reply = some
    with pytest.raises(MissingDependencyError, match="boom"):
        server.open().reply_all([[user(str(number))] for number in range(6)], Decoding())


REFUSALS = [
    (401, {"error": {"message": f"bad key {KEY}"}}, MissingDependencyError, "RS_COPILOT_VLM_KEY"),
    (404, {"error": {"message": "The model `x` does not exist."}}, MissingDependencyError, "#MODEL"),
    (400, {"error": {"message": "This model's maximum context length is 4096"}}, BadInputError, "fewer"),
    (500, {"error": {"type": "exceed_context_size_error", "message": "no"}}, BadInputError, "fewer"),
    (500, {"error": {"message": "image input is not supported"}}, BadInputError, "mmproj"),
    (400, {"error": "Model does not support images."}, BadInputError, "mmproj"),
    (429, "slow down", MissingDependencyError, "moment"),
    (503, "<html>" + "x" * 9000, MissingDependencyError, "log"),
    (307, "", MissingDependencyError, "elsewhere"),
]


@pytest.mark.parametrize(("status", "body", "kind", "hint"), REFUSALS)
def test_refusals_say_what_to_do_and_never_show_the_key(server, status, body, kind, hint):
    server.reply = lambda _, out: send(out, status, body, Location="http://elsewhere.invalid/v1")
    with pytest.raises(RsCopilotError) as caught:
        server.open(key=KEY).reply([user(PICTURE, "?")], Decoding())
    assert type(caught.value) is kind
    assert hint in caught.value.hint
    assert KEY not in str(caught.value.as_dict())
    assert len(caught.value.message) < MAX_QUOTE + 60


def broken_off(out):
    begin(out)
    event(out, delta("half"))
    out.connection.shutdown(2)


def not_json(out):
    begin(out)
    event(out, "{'this is': not json")


def error_in_stream(out):
    begin(out)
    event(out, {"error": {"code": 400, "message": "the request exceeds the available context size"}})


def flood(out):
    begin(out)
    out.wfile.write(b"data: " + b"x" * (2 << 20))


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (not_json, MissingDependencyError, "chat completions API"),
        (error_in_stream, BadInputError, "context size"),
        (flood, MissingDependencyError, "byte limit"),
        (lambda out: send(out, 200, "<html>Hello</html>"), MissingDependencyError, "chat completions API"),
        (lambda out: out.connection.shutdown(2), MissingDependencyError, "breaks off"),
    ],
)
def test_servers_that_speak_badly_are_named(server, answer, kind, words):
    server.reply = lambda _, out: answer(out)
    with pytest.raises(kind, match=words):
        server.ask()


def test_an_answer_that_breaks_off_is_kept_and_noted(server):
    server.reply = lambda _, out: broken_off(out)
    reply = server.ask()
    assert (reply.text, reply.stop) == ("half", Stop.END)
    assert "broke off" in reply.notes[0]


def test_a_server_that_does_not_stream_is_understood(server):
    whole = {"choices": [{"message": {"content": "All at once."}, "finish_reason": "length"}]}
    server.reply = lambda _, out: send(out, 200, whole)
    reply = server.ask()
    assert (reply.text, reply.stop) == ("All at once.", Stop.LENGTH)


def test_smaller_pictures_than_were_sent_are_noticed(server):
    server.reply = lambda _, out: stream(out, ["ok"], usage={"prompt_tokens": 100, "completion_tokens": 1})
    assert "boxes may be off" in server.ask(PICTURE, "?").notes[0]


def test_the_key_comes_from_the_environment_and_stays_there(server, monkeypatch):
    monkeypatch.setenv("RS_COPILOT_VLM_KEY", KEY)
    backend = server.open()
    assert server.keys == [f"Bearer {KEY}"]
    assert KEY not in repr(vars(backend))
    assert KEY not in repr(BackendSpec(server.url, key=KEY))


def test_the_model_is_checked_and_chosen(server):
    with pytest.raises(MissingDependencyError, match="no model 'other'") as caught:
        open_server(f"{server.url}#other")
    assert MODEL in caught.value.hint
    assert open_server(server.url).model == MODEL
    server.models = ["qwen3-vl:8b", "llava:7b"]
    assert open_server(f"{server.url}#qwen3-vl").family is QWEN3_VL
    with pytest.raises(UsageError, match="qwen3-vl:8b, llava:7b"):
        open_server(server.url)
    backend = open_backend(BackendSpec(f"{server.url}#llava:7b", family="qwen2.5-vl"))
    assert backend.family is QWEN25_VL


def test_an_unknown_family_is_said(server):
    server.models = ["internvl"]
    backend = open_server(f"{server.url}#internvl")
    reply = backend.reply([user(PICTURE, "?")], Decoding())
    assert "thousandths" in reply.notes[0]


def test_nobody_at_the_address():
    with pytest.raises(MissingDependencyError, match="port 9, but nobody answers"):
        open_server("http://127.0.0.1:9/v1#x")


@pytest.mark.parametrize(
    ("name", "base", "where"),
    [
        ("http://localhost:11434#m", "http://localhost:11434/v1", "server on this machine, port 11434"),
        ("http://[::1]:8000/v1/#m", "http://[::1]:8000/v1", "server on this machine, port 8000"),
        (
            "https://gpu.example.org/v1/chat/completions#m",
            "https://gpu.example.org/v1",
            "gpu.example.org:443",
        ),
        ("http://10.0.0.5:1234/v1#org/m", "http://10.0.0.5:1234/v1", "10.0.0.5:1234 (not encrypted)"),
        (
            "http://localhost.example.org/v1#m",
            "http://localhost.example.org/v1",
            "localhost.example.org:80 (n",
        ),
    ],
)
def test_addresses_say_where_pixels_go(name, base, where):
    address = parse_address(name)
    assert address.base == base
    assert address.shown.startswith(where)
    assert address.model in {"m", "org/m"}


@pytest.mark.parametrize(
    "name",
    ["http://", "ftp://x/v1", "http://me:pw@x/v1", "http://x/v1?key=1", "http://x:99999/v1", "http://[x"],
)
def test_bad_addresses_are_refused(name):
    with pytest.raises(UsageError):
        parse_address(name)


def test_families_are_told_by_name():
    assert family_of("Qingyun/RSCoVLM-7B-2512") is RSCOVLM
    assert family_of("qwen2.5vl:7b") is QWEN25_VL
    assert family_of("Qwen/Qwen3-VL-8B-Instruct") is QWEN3_VL
    assert family_of("gpt-9") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "delta", "content", "usage", "error", "message"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(JSON.map(json.dumps) | st.text())
def test_no_event_breaks_the_reader(data):
    try:
        piece = read_piece(data)
    except (BadInputError, MissingDependencyError):
        return
    assert isinstance(piece, Piece)
    assert isinstance(piece.text, str)


@given(st.text(max_size=2000))
def test_foreign_words_are_short_and_on_one_line(text):
    assert len(quote(text)) <= MAX_QUOTE + 1
    assert quote(text).isprintable()
