"""The documentation agrees with the sources and with itself."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import build_docs
import pytest
from plugin_files import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_generated_pages_are_up_to_date() -> None:
    assert build_docs.stale_pages() == []


def test_the_plugin_has_a_title_for_every_error_code() -> None:
    tree = ast.parse((ROOT / "rs_copilot_plugin" / "messages.py").read_text(encoding="utf-8"))
    titles = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "titles")
    keys = {
        key.value
        for node in ast.walk(titles)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert {item.code for item in build_docs.error_classes()} <= keys


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text(encoding="utf-8")) if ":" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    names = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert {name for name in names if f"({name})" not in index} == set()


def test_documented_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))
    }
    assert named <= targets


def test_documented_commands_exist() -> None:
    known = set(build_docs.command_names())
    used = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(
            r"^(?:\.venv/bin/)?rs-copilot ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert {(page, name) for page, name in used if name not in known} == set()


def test_documented_python_is_the_required_one() -> None:
    assert 'requires-python = ">=3.10"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "Python 3.10" in (ROOT / "README.md").read_text(encoding="utf-8")
