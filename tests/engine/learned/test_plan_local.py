"""Plans of a model in this process, held to their form: random weights write programs, if not good ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rs_copilot.asking.planner import plan_schema, vlm_planner
from rs_copilot.asking.reading import Planned, Refused, read_plan
from rs_copilot.asking.summary import summary_of
from rs_copilot.learned.vlm.forms import Forms
from rs_copilot.learned.vlm.local import LocalBackend
from rs_copilot.reasoning.answering import ask
from rs_copilot.reasoning.memory import Memory
from rs_copilot.reasoning.plan import Plan
from rs_copilot.reasoning.planning.builtin import plan as plan_built_in
from rs_copilot.reasoning.question import Question
from rs_copilot.vlm.backend import Decoding, Stop
from rs_copilot.vlm.messages import user
from tests.engine.asking.models import COUNT_ENTERED, cannot, said
from tests.engine.asking.test_vlm_planner import QUESTIONS
from tests.engine.reasoning import town

from .tiny_vlm import QWEN3, make_tokenizer, save_vlm

pytest.importorskip("torch", reason="models in this process need torch")
pytest.importorskip("transformers", reason="models in this process need transformers")
pytest.importorskip("llguidance", reason="answers are held to a form by llguidance")

ENTERED = Question(text="How many vehicles entered the market?")


@pytest.fixture(scope="module")
def memory() -> Memory:
    return town.memory_once()


@pytest.fixture(scope="module")
def forms() -> Forms:
    tokenizer = make_tokenizer()
    ends = [tokenizer.convert_tokens_to_ids("<|im_end|>")]
    return Forms(tokenizer, len(tokenizer), ends)


def fits(forms: Forms, text: str, question: Question, memory: Memory) -> bool:
    """Whether a model that is held to the form of plans could write a text, to its end."""
    form = forms.form(plan_schema(summary_of(memory, question)))
    assert form is not None
    words = forms.tokenizer(text, add_special_tokens=False)["input_ids"]
    return bool(form.matcher.consume_tokens(words)) and bool(form.matcher.is_accepting())


def test_the_form_has_room_for_every_program_of_the_test_set(forms: Forms, memory: Memory) -> None:
    for task, question in QUESTIONS[::5]:
        known = memory.with_marks(question.marks)
        found = plan_built_in(question, known)
        assert isinstance(found, Plan)
        document = found.program.document()
        for step in document["steps"].values():
            if step["op"] == "named" and not step["name"].startswith(("track", "object")):
                # The built-in planner calls things by their keys.
                step["name"] = known.named(step["name"])[0].name
        text = said(document, question.text[:200], task)
        assert fits(forms, text, question, known), text


@pytest.mark.parametrize(
    ("text", "is_fit"),
    [
        (said(COUNT_ENTERED), True),
        (cannot("it is not known"), True),
        (said(COUNT_ENTERED).replace("market", "Atlantis"), False),
        (said(COUNT_ENTERED).replace("market", "track 77"), True),
        (said(COUNT_ENTERED).replace("enter", "visit"), False),
        (said(COUNT_ENTERED).replace("crossings", "delete"), False),
        (said(COUNT_ENTERED).replace('"a":', '"A b":'), False),
        (json.dumps({"understood": "", "task": "other", "program": {"steps": {}, "answer": "a"}}), False),
        ("I think", False),
    ],
)
def test_the_form_has_none_for_what_is_not_there(
    forms: Forms, memory: Memory, text: str, *, is_fit: bool
) -> None:
    assert fits(forms, text, ENTERED, memory) == is_fit


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LocalBackend:
    from rs_copilot.learned.vlm import open_local

    folder: Path = save_vlm(
        tmp_path_factory.mktemp("models") / QWEN3, QWEN3, seed=3, text={"num_hidden_layers": 2}
    )
    return open_local(folder, precision="fp32", device="cpu")


def test_random_weights_write_documents(model: LocalBackend, memory: Memory) -> None:
    schema = plan_schema(summary_of(memory, ENTERED))
    ended = 0
    for seed in range(2):
        reply = model.reply([user("plan")], Decoding(300, temperature=1.0, seed=seed, schema=schema))
        if reply.stop is Stop.LENGTH:
            continue
        assert reply.stop is Stop.END
        ended += 1
        found = read_plan(reply.text)
        # The form knows no order of steps: a step may refer to a later one, and no more than that is wrong.
        assert isinstance(found, Planned | Refused) or all(is_about_references(str(item)) for item in found)
    assert ended


def is_about_references(problem: str) -> bool:
    return any(
        words in problem for words in ("no earlier step", "gives", "names no step", "twice", "it costs")
    )


def test_random_weights_plan_or_the_built_in_planner_does(model: LocalBackend, memory: Memory) -> None:
    found = ask(ENTERED, memory, vlm_planner(model, max_tokens=60))
    assert found.planner in (model.model, "built in")
    assert found.planner == model.model or found.value == 2.0
