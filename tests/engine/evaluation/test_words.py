"""Answers in words: strict rules, and the lenient ones of published code with their known flaws."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_copilot.evaluation import synonyms
from rs_copilot.evaluation.words import (
    Kind,
    abstains,
    is_contained,
    is_contained_either_way,
    judge,
    kind_of,
    mean_share,
    share,
)


@pytest.mark.parametrize(
    ("said", "truth", "exact", "contained", "either"),
    [
        ("Dense Residential.", "dense_residential", True, False, False),
        ("airport", "airport", True, True, True),
        ("It is an airport.", "airport", False, True, True),
        ("port", "airport", False, False, True),
        ("a", "airport", False, False, True),
        ("", "airport", False, False, True),
        ("harbor", "airport", False, False, False),
    ],
)
def test_strict_and_lenient_rules(said: str, truth: str, exact: bool, contained: bool, either: bool):
    assert judge(said, truth).is_right is exact
    assert is_contained(said, truth) is contained
    assert is_contained_either_way(said, truth) is either


@pytest.mark.parametrize(
    ("truth", "choices", "kind"),
    [
        ("yes", (), Kind.YES_NO),
        ("False", (), Kind.YES_NO),
        ("B", (), Kind.LETTER),
        ("red", ("red", "blue"), Kind.LETTER),
        ("12", (), Kind.COUNT),
        ("three", (), Kind.COUNT),
        ("none", (), Kind.TEXT),
        ("one-story", (), Kind.TEXT),
        ("between 10 and 100", (), Kind.TEXT),
        ("rural", (), Kind.TEXT),
    ],
)
def test_the_kind_of_a_question_by_its_answer(truth: str, choices: tuple[str, ...], kind: Kind):
    assert kind_of(truth, choices) is kind


@pytest.mark.parametrize(
    ("said", "truth", "is_right", "is_readable"),
    [
        ("Yes, there is a road.", "yes", True, True),
        ("yes and no", "yes", False, False),
        ("The answer is B.", "B", True, True),
        ("(C)", "B", False, True),
        ("perhaps", "B", False, False),
        ("There are 3 cars", "3", True, True),
        ("three", "3", True, True),
        ("many", "3", False, False),
        ("Rural.", "rural", True, True),
        ("", "rural", False, False),
    ],
)
def test_verdicts_by_kind(said: str, truth: str, is_right: bool, is_readable: bool):
    verdict = judge(said, truth)
    assert (verdict.is_right, verdict.is_readable) == (is_right, is_readable)


def test_how_far_off_a_count_is():
    assert judge("7", "10").error == 3.0
    assert judge("perhaps", "10").error is None
    assert judge("B", "B").error is None


@given(st.text(), st.text(min_size=1))
def test_no_text_makes_a_verdict_fail(said: str, truth: str):
    judge(said, truth)
    abstains(said)


def test_abstentions():
    for text in ("I cannot determine that.", "Unknown", "It can't be seen", "I'm not sure", "I don't know"):
        assert abstains(text)
    for text in ("a white car", "There are none.", "known", "canal"):
        assert not abstains(text)


def test_the_published_mean_of_seven_benchmarks():
    """Grounding of RSCoVLM: 461.46 / 7 = 65.92, the plain mean whatever the sizes of the benchmarks."""
    columns = {"dior val": 83.56, "dior test": 84.55, "rsvg val": 54.04, "rsvg test": 53.79}
    columns |= {"geochat": 76.39, "vrsbench": 79.73, "avvg": 29.40}
    assert sum(columns.values()) == pytest.approx(461.46)
    assert mean_share(columns) == pytest.approx(65.92, abs=0.005)
    assert math.isnan(mean_share({"a": float("nan")}))
    assert math.isnan(share([]))


SENSES: dict[str, list[object]] = {
    "car": ["car.n.01", "cable_car.n.01"],
    "auto": ["car.n.01"],
    "bus": ["bus.n.01"],
}


def test_words_with_a_common_sense_are_synonyms():
    def senses(word: str) -> list[object]:
        return SENSES.get(word, [])

    assert synonyms.share_a_sense(senses, "Car.", "auto")
    assert not synonyms.share_a_sense(senses, "car", "bus")
    assert not synonyms.share_a_sense(senses, "nothing", "nothing")


def test_wordnet_is_used_where_it_is():
    # Importing nltk takes seconds, which only pays where there is a corpus.
    places = (
        os.environ.get("NLTK_DATA", ""),
        "~/nltk_data",
        "/usr/share/nltk_data",
        "/usr/local/share/nltk_data",
    )
    if not any(list(Path(place).expanduser().glob("corpora/wordnet*")) for place in places if place):
        pytest.skip("WordNet is not on this machine")
    found = synonyms.open_synonyms()
    assert found is not None
    assert found("automobile", "car")
    assert not found("vehicle", "car")


@pytest.mark.parametrize("has_corpus", [True, False])
def test_without_the_corpus_there_are_no_synonyms(monkeypatch: pytest.MonkeyPatch, has_corpus: bool):
    def senses(word: str) -> list[object]:
        if not has_corpus:
            raise LookupError(word)
        return SENSES.get(word, [])

    corpus = ModuleType("nltk.corpus")
    corpus.wordnet = SimpleNamespace(synsets=senses)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nltk", ModuleType("nltk"))
    monkeypatch.setitem(sys.modules, "nltk.corpus", corpus)
    found = synonyms.open_synonyms()
    assert (found is not None and found("car", "auto")) is has_corpus
