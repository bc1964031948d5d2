"""The translations are complete, up to date with the sources, and keep what the program fills in."""

from __future__ import annotations

import re
from collections import Counter
from xml.etree.ElementTree import Element

import pytest
import translations
from defusedxml.ElementTree import fromstring

PLACEHOLDER = re.compile(r"\{[^{}]*\}|%\w+|<[^<>]+>")


def messages(language: str) -> list[Element]:
    """The messages of one language's file."""
    path = translations.FOLDER / f"rs_copilot_{language}.ts"
    return list(fromstring(path.read_bytes()).iter("message"))


def filled_in(text: str) -> Counter[str]:
    """What must survive translation: placeholders and tags."""
    return Counter(PLACEHOLDER.findall(text))


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_the_file_has_the_texts_of_the_sources(language: str) -> None:
    sources = [message.findtext("source") for message in messages(language)]
    assert sources == list(translations.texts()), "run tools/translations.py"


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_every_text_is_finished(language: str) -> None:
    unfinished = [
        message.findtext("source")
        for message in messages(language)
        if not message.findtext("translation") or message.find("translation[@type]") is not None
    ]
    assert unfinished == []


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_a_translation_keeps_placeholders_mnemonic_and_ending(language: str) -> None:
    changed = []
    for message in messages(language):
        source, translation = message.findtext("source") or "", message.findtext("translation") or ""
        same = (
            filled_in(source) == filled_in(translation)
            and source.count("&") == translation.count("&")
            and source.endswith("…") == translation.endswith("…")
            and source.endswith(".") == translation.endswith(".")
        )
        if not same:
            changed.append((source, translation))
    assert changed == []


@pytest.mark.parametrize("language", translations.LANGUAGES)
def test_the_compiled_file_travels_along(language: str) -> None:
    compiled = translations.FOLDER / f"rs_copilot_{language}.qm"
    assert compiled.is_file(), "run tools/translations.py where lrelease is installed"
