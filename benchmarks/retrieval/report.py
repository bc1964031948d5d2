"""Markdown of what was measured: one line a method and group, one column a condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmarks.retrieval.ranking import Outcome
from benchmarks.retrieval.store import Kept


def table(kept: list[Kept], conditions: Iterable[str], *, groups: list[str] | None = None) -> list[str]:
    """R@1 / R@10 in percent of every method, group and condition; for ``all`` with intervals of 95 %."""
    names = list(conditions)
    lines = [_row(["method", "queries", "n", *names]), f"|{'---|' * (3 + len(names))}"]
    for item in kept:
        lines += [_row(cells) for cells in _rows(item.outcomes, names, groups)]
    return lines


def notes(kept: list[Kept]) -> list[str]:
    """One line a method: processor time a query, what is to say about it, when it was measured."""
    lines = []
    for item in kept:
        costs = {outcome.condition: outcome.seconds for outcome in item.outcomes if outcome.seconds}
        times = ", ".join(f"{name} {seconds:.3f}" for name, seconds in costs.items())
        words = [item.note] * bool(item.note) + [f"CPU seconds a query: {times}."] * bool(times)
        if words:
            lines.append(f"* {item.method} ({item.measured}): {' '.join(words)}")
    return lines


def _rows(outcomes: list[Outcome], names: list[str], groups: list[str] | None) -> Iterator[list[str]]:
    by_group: dict[str, dict[str, Outcome]] = {}
    for item in outcomes:
        by_group.setdefault(item.group, {})[item.condition] = item
    for group, found in by_group.items():
        if groups is None or group in groups:
            some = next(iter(found.values()))
            yield [some.method, group, str(len(some.score.ranks)), *(_cell(found.get(n)) for n in names)]


def _cell(item: Outcome | None) -> str:
    if item is None:
        return "–"
    shares = [item.score.recall(count) for count in (1, 10)]
    text = " / ".join(f"{100 * share:.0f}" for share in shares)
    if not (item.group == "all" or " to " in item.group):
        return text
    spans = (item.score.interval(count) for count in (1, 10))
    return f"**{text}** ({' / '.join(f'{100 * low:.0f}-{100 * high:.0f}' for low, high in spans)})"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
