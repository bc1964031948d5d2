"""What a worker answers, with real processes and real pipes."""

from __future__ import annotations

import time

import pytest

from rs_copilot.protocol import PROTOCOL_VERSION, Code, Error, Progress, Request, Result, encode


def test_says_hello_first(peer):
    hello = peer.hello()
    assert peer.seen[0] is hello
    assert hello.protocol == PROTOCOL_VERSION
    assert hello.pid == peer.process.pid
    assert {"ping", "count"} <= set(hello.methods)


def test_answers_with_result_and_payload(peer):
    answer = peer.answer(peer.request("ping", echo="Ü"))
    assert answer == Result(1, {"echo": "Ü"}, b"pixels")


def test_unknown_methods_are_refused(peer):
    answer = peer.answer(peer.request("os.system", command="rm"))
    assert isinstance(answer, Error)
    assert answer.code == Code.UNKNOWN_METHOD


def test_a_job_reports_progress_and_ends(peer):
    job = peer.request("count", steps=5, step_s=0.06)
    assert peer.answer(job) == Result(job, {"counted": 5})
    steps = peer.progress(job)
    assert [step.done for step in steps] == [0, 1, 2, 3, 4]
    assert steps[-1].partial == {"found": 4}
    assert steps[0].total == 5


def test_progress_is_throttled_and_its_last_step_is_sent(peer):
    begun = time.monotonic()
    job = peer.request("count", steps=400, step_s=0.001)
    peer.answer(job)
    seconds = time.monotonic() - begun
    steps = peer.progress(job)
    assert len(steps) <= 20 * seconds + 3
    assert steps[-1].done == 399


def test_a_step_before_a_long_silence_is_shown_soon(peer):
    job = peer.request("ask_late", pause_s=3.0)
    begun = time.monotonic()
    step = peer.wait_for(lambda m: isinstance(m, Progress) and m.message == "second")
    assert time.monotonic() - begun < 2.0
    assert step.id == job


def test_quick_methods_do_not_wait_for_jobs(peer):
    job = peer.request("count", steps=300)
    assert isinstance(peer.answer(peer.request("ping")), Result)
    peer.cancel(job)
    answer = peer.answer(job)
    assert answer.code == Code.CANCELLED


def test_cancel_stops_a_job_and_says_what_was_found(peer):
    job = peer.request("count", steps=100_000)
    peer.wait_for(lambda m: isinstance(m, Progress) and m.done >= 3)
    begun = time.monotonic()
    peer.cancel(job)
    answer = peer.answer(job)
    assert time.monotonic() - begun < 1.0
    assert answer.code == Code.CANCELLED
    assert answer.details["partial"]["found"] >= 3


def test_cancel_reaches_a_job_that_waits_for_its_turn(peer):
    first, second = peer.request("count", steps=50), peer.request("count", steps=50)
    peer.cancel(second)
    peer.cancel(77)  # never existed
    assert peer.answer(second).code == Code.CANCELLED
    assert isinstance(peer.answer(first), Result)
    assert not peer.progress(second)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("memory", Code.OUT_OF_MEMORY),
        ("disk", Code.STORAGE),
        ("bug", Code.INTERNAL),
        ("scene", Code.BAD_SCENE),
        ("package", Code.MISSING_DEPENDENCY),
        ("exit", Code.INTERNAL),
    ],
)
def test_every_failure_is_answered_and_survived(peer, how, code):
    answer = peer.answer(peer.request("fail", how=how))
    assert isinstance(answer, Error)
    assert answer.code == code
    assert answer.message
    assert answer.hint
    assert answer.details["partial"] == {"found": "half"}
    assert ("traceback" in answer.details) == (code == Code.INTERNAL)
    assert isinstance(peer.answer(peer.request("ping")), Result)


def test_results_that_json_lacks_become_what_it_has(peer):
    answer = peer.answer(peer.request("odd"))
    assert answer.result["nan"] is None
    assert answer.result["path"] == "a"


def test_chatty_libraries_do_not_reach_the_stream(peer):
    answer = peer.answer(peer.request("chatty"))
    assert answer == Result(1, {"stdin": ""})
    _, log = peer.end()
    for speaker in ("print", "C", "a child"):
        assert f"hello from {speaker}" in log


def test_an_id_that_is_open_is_refused(peer):
    peer.write(encode(Request(5, "count", {"steps": 30})) + encode(Request(5, "count", {"steps": 1})))
    assert peer.answer(5).code == Code.BAD_MESSAGE


def test_the_device_is_the_requests(peer):
    assert peer.answer(peer.request("device")).result == {"device": "auto"}
    assert peer.answer(peer.request("device", device="cpu")).result == {"device": "cpu"}
