"""Every request is answered exactly once, whatever the engine does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rs_copilot_plugin._protocol import Cancel, Code, Error, Hello, Progress, Request, Result
from rs_copilot_plugin.engine.session import SessionState

from .conftest import Scripted


def test_nothing_starts_before_the_first_request(scripted):
    assert not scripted.engines
    assert scripted.session.state is SessionState.STOPPED


def test_alive_is_not_ready(scripted):
    scripted.ask()
    engine = scripted.engines[0]
    assert scripted.session.state is SessionState.STARTING
    assert engine.sent == []
    engine.hello()
    assert scripted.session.state is SessionState.READY
    assert engine.sent == [Request(1, "work", {})]
    scripted.ask()
    assert [message.id for message in engine.sent] == [1, 2]
    assert len(scripted.engines) == 1


def test_answers_find_their_askers(scripted):
    first, second = scripted.ask(), scripted.ask()
    engine = scripted.engines[0]
    engine.hello()
    engine.say(
        Progress(2, 1, 4, "half", {"layer": "frames"}),
        Result(2, {"n": 2}, b"px"),
        Error(1, "bad-video", "m", "h", {"a": 1}),
    )
    assert (second.replies[0].result, second.replies[0].payload) == ({"n": 2}, b"px")
    assert [step.message for step in second.steps] == ["half"]
    assert (first.errors[0].code, first.errors[0].hint, first.errors[0].details) == (
        "bad-video",
        "h",
        {"a": 1},
    )
    assert scripted.session.open_requests == []


def test_stale_and_doubled_answers_are_dropped(scripted):
    asked = scripted.ask()
    engine = scripted.engines[0]
    engine.hello()
    engine.say(Result(99), Progress(99, 0, 1), Result(1), Result(1), Error(1, "internal", "late"))
    assert asked.count == 1


def test_cancel_goes_out_once_and_silences_progress(scripted):
    asked = scripted.ask()
    engine = scripted.engines[0]
    engine.hello()
    asked.handle.cancel()
    asked.handle.cancel()
    assert engine.sent[1:] == [Cancel(1)]
    engine.say(Progress(1, 1, 2, "still", {"found": 3}), Error(1, Code.CANCELLED, "stopped"))
    assert asked.steps == []
    assert asked.errors[0].is_cancelled
    asked.handle.cancel()
    assert len(engine.sent) == 2


def test_cancel_before_the_engine_is_ready_answers_at_once(scripted):
    asked = scripted.ask()
    asked.handle.cancel()
    assert asked.errors[0].is_cancelled
    scripted.engines[0].hello()
    assert scripted.engines[0].sent == []


def test_a_dead_engine_answers_everything_with_exit_code_log_and_what_was_found(scripted):
    first, second = scripted.ask(), scripted.ask()
    engine = scripted.engines[0]
    engine.hello()
    engine.say(Progress(1, 1, 2, "half", {"scene": "kept.gpkg"}))
    engine.events.logged(b"noise\n" * 5000 + b"CUDA error: bus")
    engine.events.closed(-9, "The engine was killed.")
    for asked in (first, second):
        (error,) = asked.errors
        assert error.code == Code.ENGINE_DIED
        assert error.details["exit_code"] == -9
        assert error.details["stderr"].endswith("CUDA error: bus")
        assert len(error.details["stderr"]) < 10_000
    assert first.errors[0].partial == {"scene": "kept.gpkg"}
    assert second.errors[0].partial is None
    assert scripted.session.state is SessionState.STOPPED


def test_the_next_request_starts_a_new_engine_and_the_old_one_is_ignored(scripted):
    scripted.ask()
    old = scripted.engines[0]
    old.hello()
    old.events.closed(1, "gone")
    asked = scripted.ask()
    new = scripted.engines[1]
    old.say(Result(2, {"from": "the grave"}))
    new.hello()
    new.say(Result(2, {"from": "here"}))
    assert [reply.result for reply in asked.replies] == [{"from": "here"}]


def test_restarts_are_limited_until_the_user_asks(scripted):
    for _ in range(3):
        asked = scripted.ask()
        scripted.engines[-1].events.closed(7, "no module named gizmo")
        assert asked.errors[0].code == Code.ENGINE_NOT_STARTED
    refused = scripted.ask()
    assert len(scripted.engines) == 3
    assert scripted.session.state is SessionState.FAILED
    assert "3 times" in refused.errors[0].message
    assert "gizmo" in refused.errors[0].message
    scripted.session.retry()
    assert scripted.session.state is SessionState.STOPPED
    scripted.ask()
    assert len(scripted.engines) == 4


def test_a_long_life_wipes_the_slate(scripted):
    for _ in range(6):
        scripted.ask()
        scripted.engines[-1].hello()
        scripted.now_s += 60.0
        scripted.engines[-1].events.closed(1, "crash")
    assert len(scripted.engines) == 6


def test_another_version_is_refused_with_a_clear_message(scripted):
    asked = scripted.ask()
    scripted.engines[0].say(Hello(engine="9.0", protocol="9.0"))
    assert asked.errors[0].code == Code.VERSION_MISMATCH
    assert "9.0" in asked.errors[0].message
    assert "same version" in asked.errors[0].hint
    assert scripted.engines[0].ended == "killed"
    assert scripted.session.state is SessionState.FAILED


def test_garbage_ends_the_conversation(scripted):
    asked = scripted.ask()
    scripted.engines[0].events.received(b"Welcome to server42\n")
    assert asked.errors[0].code == Code.BAD_MESSAGE
    assert "Welcome to server42" in asked.errors[0].message
    assert "login script" in asked.errors[0].hint
    assert scripted.engines[0].ended == "killed"


def test_after_failing_for_good_requests_are_answered_without_a_start(scripted):
    scripted.ask()
    scripted.engines[0].say(Hello(engine="9.0", protocol="9.0"))
    again = scripted.ask()
    assert again.errors[0].code == Code.VERSION_MISMATCH
    assert len(scripted.engines) == 1


def test_stop_answers_first_then_ends_the_engine(scripted):
    asked = scripted.ask()
    scripted.engines[0].hello()
    scripted.session.stop()
    assert asked.errors[0].is_cancelled
    assert scripted.engines[0].ended == "closed"
    assert scripted.states == [SessionState.STARTING, SessionState.READY, SessionState.STOPPED]
    scripted.engines[0].events.closed(0, "ended")
    assert scripted.session.supervisor.failures == 0


def test_a_callback_may_ask_again(scripted):
    heard = []

    def ask_again(error):
        heard.append(error)
        if len(heard) < 3:
            scripted.session.request("work", on_error=ask_again)

    scripted.session.request("work", on_error=ask_again)
    for _ in range(3):
        scripted.engines[-1].hello()
        scripted.engines[-1].events.closed(1, "crash")
    assert len(heard) == 3


def test_what_cannot_be_sent_is_an_error_of_that_request_only(scripted):
    good = scripted.ask()
    scripted.engines[0].hello()
    bad = scripted.ask(value=object())
    assert bad.errors[0].code == Code.BAD_MESSAGE
    scripted.engines[0].say(Result(1))
    assert good.replies


events = st.lists(
    st.sampled_from(
        ["ask", "hello", "result", "error", "progress", "die", "cancel", "stop", "retry", "garbage"]
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(events)
def test_no_story_leaves_a_request_without_its_one_answer(story):
    scripted = Scripted()
    asked = []
    for event in story:
        engine = scripted.engines[-1] if scripted.engines else None
        oldest = asked[0].handle.id if asked else 1
        if event == "ask":
            asked.append(scripted.ask())
        elif event == "stop":
            scripted.session.stop()
        elif event == "retry":
            scripted.session.retry()
        elif event == "cancel" and asked:
            asked[-1].handle.cancel()
        elif engine is not None and not engine.ended:
            if event == "die":
                engine.ended = "died"
                engine.events.closed(1, "crash")
            elif event == "garbage":
                engine.events.received(b"garbage!")
            else:
                say = {
                    "hello": Hello(engine="x"),
                    "result": Result(oldest),
                    "error": Error(oldest, "internal", "m"),
                    "progress": Progress(oldest, 0, 1),
                }
                engine.say(say[event]) if event in say else None
        assert all(answers.count == int(answers.handle.done) for answers in asked)
    scripted.session.stop()
    assert all(answers.count == 1 for answers in asked)


@pytest.mark.parametrize("wait_ms", [0, 500])
def test_stop_without_an_engine_is_nothing(scripted, wait_ms):
    scripted.session.stop(wait_ms)
    assert scripted.session.state is SessionState.STOPPED
