"""What part the names in a question play: what is closed, where one looks from, where traffic comes from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rs_copilot.reasoning.planning import concepts
from rs_copilot.reasoning.planning.draft import Parsed, Unclear
from rs_copilot.reasoning.planning.mentions import MENTION
from rs_copilot.reasoning.planning.phrases import phrase
from rs_copilot.reasoning.planning.traits import chosen_among, is_way

# Words that say that a way starts or ends at what follows; so does the second of two names joined by "and".
END_OF_WAY = re.compile(
    r"\b(?:from|to|between|at|in|reach|reaching|towards?|into|leaving|starting)\s+(?:the\s+)?$"
)


def parts(text: str) -> list[tuple[int, str, str]]:
    """Every name of a text in order: its number, and the words before and after it up to the next names."""
    pieces = re.split(MENTION, text)
    return [(int(pieces[i]), pieces[i - 1], pieces[i + 1]) for i in range(1, len(pieces), 2)]


def shut(parsed: Parsed) -> list[int]:
    """What a way has to keep off.

    Raises:
        Unclear: something is closed or avoided, and it is not clear what.
    """
    before = re.compile(rf"(?<![a-z])(?:{concepts.any_of('shut')})(?![a-z])[^,.;?!]{{0,40}}$")
    after = re.compile(phrase("is shut"))
    named = parts(parsed.text)
    found = [
        number
        for number, left, right in named
        if after.search(right) or (before.search(left) and not END_OF_WAY.search(left))
    ]
    found = _joined(parsed.text, list(dict.fromkeys(found)))
    numbers = parsed.mentioned()
    if len(numbers) - len(found) == 2:
        return found
    by_kind = [number for number in numbers if is_way(parsed.things[number])]
    says_so = "shut" in concepts.concepts_of(parsed.text) or bool(re.search(phrase("negated"), parsed.text))
    if says_so and len(numbers) - len(by_kind) == 2:
        return by_kind
    if len(numbers) == 2 and not found:
        if says_so and re.search(phrase("something shut"), parsed.text):
            raise Unclear("it is not clear what is closed: name the road or the bridge")
        return []
    raise Unclear("a way needs a start, a goal, and perhaps what it keeps off, each with its name")


def _joined(text: str, found: list[int]) -> list[int]:
    """The same with what "and" or "or" joins to the last of them: "avoiding the bridge and Mill Lane"."""
    for first, second in re.findall(rf"{MENTION}(?=\s*(?:,|and|or|nor)\s+(?:the\s+)?{MENTION})", text):
        if int(first) in found and int(second) not in found and len(found) < 3:
            found.append(int(second))
    return found


def origin(parsed: Parsed, numbers: Sequence[int]) -> int:
    """Which of two things a direction is taken from; the first where "between" leaves it open.

    Raises:
        Unclear: nothing says it.
    """
    before, after = re.compile(phrase("before origin")), re.compile(phrase("after origin"))
    weak, goal = re.compile(phrase("weak origin")), re.compile(phrase("before goal"))
    worth = dict.fromkeys(numbers, 0)
    for number, left, right in parts(parsed.text):
        if number in worth:
            worth[number] += 4 * bool(before.search(left)) + 4 * bool(after.search(right))
            worth[number] += bool(weak.search(left)) - 2 * bool(goal.search(left))
    ordered = sorted(numbers, key=lambda number: -worth[number])
    if len(ordered) > 1 and worth[ordered[0]] == worth[ordered[1]]:
        if worth[ordered[0]] == 0 and not re.search(phrase("two ends"), parsed.text):
            raise Unclear("it is not clear from which of the two the direction is taken")
        return numbers[0]
    return ordered[0]


def source(parsed: Parsed, numbers: Sequence[int]) -> int:
    """Which of several zones traffic comes from.

    Raises:
        Unclear: nothing says it.
    """
    chosen = [number for number in chosen_among(parsed) if number in numbers]
    rest = [number for number in numbers if number not in chosen]
    if len(chosen) >= 2 and len(rest) == 1:
        return rest[0]
    cue = re.compile(phrase("before source"))
    found = [number for number, left, _ in parts(parsed.text) if number in numbers and cue.search(left)]
    if len(set(found)) == 1:
        return found[0]
    pair = re.search(rf"{MENTION},?\s+(?:and|or)\s+(?:to |into |towards? )?(?:the )?{MENTION}", parsed.text)
    if not found and pair is not None and len(numbers) == 3:
        return next(number for number in numbers if number not in (int(pair[1]), int(pair[2])))
    if len(numbers) == 2 and not found and re.search(phrase("two ends"), parsed.text):
        return numbers[0]
    raise Unclear("it is not clear which zone the traffic comes from")
