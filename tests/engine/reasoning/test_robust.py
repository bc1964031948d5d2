"""What the built-in planner makes of questions in many words: the whole program, not only its family."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.plan import NoPlan, Plan
from rs_copilot.reasoning.planning.builtin import plan
from rs_copilot.reasoning.planning.framing import unframed
from rs_copilot.reasoning.planning.numerals import in_digits
from rs_copilot.reasoning.question import Question
from rs_copilot.reasoning.things import Kind, Thing
from rs_copilot.reasoning.views import Views
from tests.engine.reasoning import town
from tests.engine.reasoning.test_planner import marks

CASES: dict[str, Any] = json.loads(Path(__file__).with_name("robust.json").read_text(encoding="utf-8"))
FORMS: dict[str, Any] = CASES["forms"]
MOMENTS = ("7.9 s", "7.9 seconds", "0:07.9", "second 7.9", "7900 ms", "t = 7.9 s", "seven point nine seconds")
EVENTS = ("stop", "start", "turn left", "turn right")
ROADS = {"High Street": "High Street", "the bridge": "Bridge Street bridge"}
UNKNOWN = ("Castle Hill", "Eastern Gate", "Observatory")
# Which name of a form is replaced by one that is on no map.
REPLACED = {"visible": "x", "buildings in zone": "x", "distance": "y", "direction": "x", "way": "y"}


@lru_cache(maxsize=1)
def scene() -> Memory:
    """The town with a bridge, and stills instead of a video."""
    town_ = town.memory_once()
    bridge = Thing(
        "occluders 7", Kind.OCCLUDER, "Bridge Street bridge", "bridge", town.box(200, 0, 220, 10),
        layer="occluders", fid=7, properties={"height_m": 6.0},
    )  # fmt: skip
    return replace(town_, things=(*town_.things, bridge), views=with_files(town_.views))


def with_files(views: Views) -> Views:
    return replace(views, files=tuple(f"dji_{number:03d}.jpg" for number in range(len(views))))


def meaning(document: dict[str, Any]) -> str:
    """A program as one line: names stand for themselves, unions are sums."""
    steps = document["steps"]

    def said(value: object) -> str:
        if isinstance(value, list):
            return "-".join(map(said, value))
        return step(value[1:]) if isinstance(value, str) and value.startswith("$") else str(value)

    def step(name: str) -> str:
        body = dict(steps[name])
        op = body.pop("op")
        if op == "named":
            known = scene().by_key.get(body["name"])
            return known.name if known is not None else str(body["name"]).removeprefix("mark ")
        if op == "union":
            return f"{said(body['a'])}+{said(body['b'])}"
        return f"{op}({','.join(f'{key}={said(value)}' for key, value in body.items())})"

    return step(document["answer"].removeprefix("$")).replace(",by=seen", "")


def planned(text: str, form: dict[str, Any], drawn: str | None = None) -> Plan | NoPlan:
    sort, names = form.get("marks", ("point", ""))
    own = marks(sort, names if drawn is None else drawn)
    question = Question(text=text, choices=form.get("choices", {}), marks=own, kind=form.get("kind"))
    return plan(question, scene().with_marks(own))


def filled(text: str, form: dict[str, Any], number: int, **names: str) -> tuple[str, list[str]]:
    """A wording with all its places filled, and what may be made of it."""
    event, road = EVENTS[number % 4], list(ROADS)[number % 2]
    words = {"z": road, **form["names"], **names}
    wanted = [
        said.replace("{event}", event).replace("{z}", ROADS[road]).replace(",by=seen", "")
        for said in form["meanings"]
    ]
    return text.format(t=MOMENTS[number % len(MOMENTS)], event=event, **words), wanted


@pytest.mark.parametrize("name", FORMS)
def test_many_words_for_the_same(name: str) -> None:
    form, wrong = FORMS[name], []
    for number, wording in enumerate(form["texts"]):
        text, wanted = filled(wording, form, number)
        found = planned(text, form)
        got = found.reason if isinstance(found, NoPlan) else meaning(found.program.document())
        wrong += [(text, got)] if got not in wanted else []
    assert not wrong


@pytest.mark.parametrize("frame", CASES["frames"])
def test_what_stands_around_a_question_changes_nothing(frame: str) -> None:
    for form in FORMS.values():
        for number, wording in list(enumerate(form["texts"]))[:: max(1, len(form["texts"]) // 4)]:
            text, wanted = filled(wording, form, number)
            framed = frame.replace("{q}", text).replace("{l}", text[:1].lower() + text[1:])
            if text[1:2] in " ,":
                framed = frame.replace("{q}", text).replace("{l}", text)
            found = planned(framed, form)
            assert isinstance(found, Plan) and meaning(found.program.document()) in wanted, framed


@pytest.mark.parametrize("name", REPLACED)
def test_names_that_are_on_no_map(name: str) -> None:
    form = FORMS[name]
    for number, wording in enumerate(form["texts"]):
        text, _ = filled(wording, form, number, **{REPLACED[name]: UNKNOWN[number % 3]})
        found = planned(text, form, drawn=form["marks"][1][1:])
        assert isinstance(found, NoPlan), text


@pytest.mark.parametrize("text", CASES["unanswered"])
def test_questions_that_no_program_answers(text: str) -> None:
    found = planned(text, {})
    assert isinstance(found, NoPlan), found.understood


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "How far apart are the middles of the picture at 3 s and at 8 s?",
            "distance(a=centre_at(at=3.0),b=centre_at(at=8.0))",
        ),
        (
            "How far is the centre of the frame at 0:03 from that at 0:08?",
            "distance(a=centre_at(at=3.0),b=centre_at(at=8.0))",
        ),
        (
            "In which direction from the drone's position at 3 s is its position at 8 s?",
            "direction(start=camera_at(at=3.0),end=camera_at(at=8.0))",
        ),
        (
            "How far apart are the photos dji_025.jpg and DJI_040.JPG?",
            "distance(a=centre_at(at=5.0),b=centre_at(at=8.0))",
        ),
        ("Is the market visible in dji_025?", "visible(of=market,at=5.0)"),
        ("Is the market seen in frame 40?", "visible(of=market,at=8.0)"),
        ("How far did the drone fly between 3 s and 8 s?", "length(of=path_of(what=camera,during=3.0-8.0))"),
        (
            "At 0:09 the camera looks at some point. How far is it from the market?",
            "distance(a=centre_at(at=9.0),b=market,at=9.0)",
        ),
        (
            "Which building is nearest to the depot?",
            "nearest(of=things(kind=occluder,label=building),to=depot)",
        ),
        (
            "Did any vehicle stop?",
            "exists(of=subjects(of=events(of=things(kind=track,label=vehicle),what=stop)))",
        ),
        (
            "Is Far Field cut off from the depot when High Street is closed?",
            "opposite(of=path_exists(start=Far Field,end=depot,avoid=High Street))",
        ),
        ("market first seen?", "first_seen(of=market)"),
    ],
)
def test_turns_of_phrase(text: str, wanted: str) -> None:
    found = planned(text, {})
    assert isinstance(found, Plan), found
    assert meaning(found.program.document()) == wanted


@pytest.mark.parametrize(
    ("text", "core"),
    [
        ("Based on the video and the map, is A seen?", "is A seen?"),
        ("Question 3: When is A seen? Answer with one letter.", "When is A seen?"),
        ("Hello! Could you tell me whether A is seen? Thanks.", "whether A is seen?"),
        ("Of A, B and C, which is seen first?", "Of A, B and C, which is seen first?"),
        ("Thanks", "Thanks"),
    ],
)
def test_frames(text: str, core: str) -> None:
    assert unframed(text) == core


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("three point two seconds", "3.2 seconds"),
        ("at second twenty-one", "at second 21"),
        ("five and a half minutes", "5.5 minutes"),
        ("forty metres", "40 metres"),
        ("which one is it, two or three?", "which one is it, two or three?"),
    ],
)
def test_numbers_in_words(text: str, digits: str) -> None:
    assert in_digits(text) == digits


def test_planning_is_quick() -> None:
    import time

    form = FORMS["way"]
    texts = [filled(wording, form, number)[0] for number, wording in enumerate(form["texts"])]
    planned(texts[0], form)
    started = time.process_time()
    for text in texts:
        planned(text, form)
    assert (time.process_time() - started) / len(texts) < 0.03


def test_an_order_is_one_of_all_that_its_choices_name() -> None:
    found = planned("a, B and C come into view one by one: in what order?", FORMS["order"])
    assert isinstance(found, Plan)
    assert sorted(meaning(found.program.document())[len("order(of=") : -1].split("+")) == ["A", "B", "C"]
