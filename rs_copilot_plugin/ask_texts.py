"""What the Ask panel says, in the user's language; also as Markdown and as a report."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence, Set
from pathlib import Path

from .presenters.ask import (
    AskLack,
    AskQuestion,
    AskTurn,
    Evidence,
    EvidenceKind,
    Found,
)
from .presenters.attached import Attached
from .presenters.conversation import Question, Turn, TurnState, plain
from .presenters.player import clock_text, sureness_text
from .presenters.user_layers import Chosen, Role
from .translate import tr

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~])")
# What the engine calls its own planner.
BUILT_IN = "built in"
# From so much on an answer is said to be so sure, best first.
_SURE, _FAIRLY, _HARDLY = 0.9, 0.75, 0.6


def lack_text(lack: AskLack) -> str:
    """What the user has to do before an answer can come."""
    return {
        AskLack.BUSY: tr("Wait for the answer, or press Esc."),
        AskLack.ENGINE: tr("The engine is not set up yet."),
        AskLack.SCENE: tr("Open a scene first, or locate a clip in the RS Copilot panel."),
        AskLack.QUESTION: tr("Write what you want to know."),
    }[lack]


# --- the conversation


def heading(question: Question) -> str:
    """The line above a question: when it was asked, and what goes with it."""
    if not isinstance(question, AskQuestion):
        return tr("Question")
    when = question.asked_at[:16].replace("T", " ")
    told = [when, attached_text(question.attached)]
    return " · ".join(part for part in told if part) or tr("Question")


def attached_text(attached: Attached) -> str:
    """What goes with a question."""
    parts = [tr("with the region on the map")] if attached.region is not None else []
    parts += [pin_title(index, attached) for index in range(len(attached.pins))]
    return ", ".join(parts)


def pin_title(index: int, attached: Attached) -> str:
    """A feature under its letter."""
    pin = attached.pins[index]
    return f"{pin.name} = {pin.title}" if pin.title else pin.name


def question_words(question: Question) -> str:
    """The question itself."""
    return plain(question.text)


def answer_words(found: Found) -> str:
    """The answer, or that there is none and why."""
    if found.abstained:
        return tr("I cannot tell: {}.").format(found.reason or tr("no reason was given"))
    return found.answer


def endings(turn: Turn) -> list[tuple[str, bool]]:
    """The lines below an answer, and whether each tells of a problem."""
    lines = []
    if turn.state is TurnState.STOPPED:
        lines.append((tr("Stopped."), True))
    elif turn.state in (TurnState.FAILED, TurnState.CUT_OFF):
        lines.append((f"{turn.error} {turn.hint}".strip() or tr("No answer came."), True))
        if isinstance(turn.question, AskQuestion) and turn.question.model:
            lines.append((tr("It can be asked without a model, too: choose “No model” above."), False))
    if isinstance(turn, AskTurn) and turn.is_outdated:
        lines.append((tr("Given before the scene was last changed. Ask again?"), True))
    if isinstance(turn, AskTurn) and turn.found is not None:
        lines += _told(turn.found, isinstance(turn.question, AskQuestion) and bool(turn.question.model))
    return lines


def _told(found: Found, has_model: bool) -> list[tuple[str, bool]]:
    first = [] if found.abstained or found.confidence is None else [confidence_text(found.confidence)]
    parts = [*first, task_title(found.task), planner_title(found.planner, has_model)]
    if found.sends_to:
        parts.append(tr("sent to {}").format(found.sends_to))
    elif has_model:
        parts.append(tr("nothing was sent away"))
    text = " · ".join(part for part in parts if part)
    lines = [(text, bool(found.sends_to))] if text else []
    if found.settle:
        lines.append((tr("What would settle it: {}").format(found.settle), False))
    if found.understood:
        lines.append((tr("Understood as: {}").format(found.understood), False))
    if found.missed:
        lines.append((tr("Not understood: {}").format(", ".join(found.missed)), found.abstained))
    return lines + [(note, False) for note in found.notes]


def confidence_text(confidence: float) -> str:
    """How sure an answer is, as words and as a number."""
    if confidence >= _SURE:
        words = tr("Sure")
    elif confidence >= _FAIRLY:
        words = tr("Fairly sure")
    else:
        words = tr("Rather unsure") if confidence >= _HARDLY else tr("Unsure")
    return f"{words} ({sureness_text(confidence)})"


def planner_title(planner: str, has_model: bool) -> str:
    """What made the program out of the question; without a model, the built-in planner needs no words."""
    if planner in ("", BUILT_IN):
        return tr("planned without the model") if has_model and planner else ""
    return tr("planned by {}").format(planner)


def task_title(task: str) -> str:
    """A task's name; the engine's where it is a new one."""
    return {
        "target visibility": tr("target visibility"),
        "scene association": tr("scene association"),
        "zone counting": tr("zone counting"),
        "temporal grounding": tr("temporal grounding"),
        "event geo-localization": tr("event geo-localization"),
        "trajectory matching": tr("trajectory matching"),
        "relative distance": tr("relative distance"),
        "relative direction": tr("relative direction"),
        "occlusion attribution": tr("occlusion attribution"),
        "region reachability": tr("region reachability"),
        "spatiotemporal ordering": tr("spatiotemporal ordering"),
        "region interaction": tr("region interaction"),
    }.get(task, task)


# --- evidence


def evidence_title(evidence: Evidence) -> str:
    """What a piece of evidence shows, and when, unless its words say that."""
    title = evidence.says or evidence.layer or tr("a place")
    if evidence.time_s is None or f"{evidence.time_s:.1f} s" in title:
        return title
    return f"{title} · {evidence.time_s:.1f} s"


def evidence_name(evidence: Evidence, corrected: Set[str] = frozenset()) -> str:
    """The same for a screen reader: what it is, too."""
    kind = {
        EvidenceKind.MOMENT: tr("Frame"),
        EvidenceKind.TRACK: tr("Track"),
        EvidenceKind.MEASURE: tr("Measurement"),
        EvidenceKind.PLACE: tr("Place"),
    }[evidence.kind]
    return ", ".join([f"{kind}: {evidence_title(evidence)}", *_by_hand(evidence, corrected)])


def _by_hand(evidence: Evidence, corrected: Set[str]) -> list[str]:
    """That a thing was corrected: what a person has said is evidence, too."""
    is_said = evidence.things is not None and not corrected.isdisjoint(evidence.things.keys)
    return [tr("corrected by hand")] if is_said else []


def evidence_tip(evidence: Evidence, corrected: Set[str] = frozenset()) -> str:
    """Where a piece of evidence comes from."""
    parts = [evidence_title(evidence)]
    if evidence.layer:
        number = "" if evidence.fid is None else f" {evidence.fid}"
        parts.append(f"{evidence.layer}{number}")
    if evidence.time_s is not None:
        parts.append(f"{evidence.clip} {clock_text(evidence.time_s)}".strip())
    return " · ".join(dict.fromkeys([*parts, *_by_hand(evidence, corrected)]))


def role_title(role: Role) -> str:
    """What a layer may hold."""
    return {
        Role.NONE: tr("Not used"),
        Role.ZONES: tr("Zones: areas with names"),
        Role.ROADS: tr("Roads"),
        Role.OBSTACLES: tr("Obstacles: buildings, trees, with heights"),
        Role.PLACES: tr("Places"),
    }[role]


def layers_text(layers: Sequence[Chosen]) -> str:
    """Which layers take part, for the button."""
    roles = list(Role)
    by_role = sorted(layers, key=lambda layer: roles.index(layer.role))
    used = [layer.title for layer in by_role if layer.role is not Role.NONE]
    if not used:
        return tr("Layers…")
    shown = ", ".join(used[:2]) + (f" + {len(used) - 2}" if len(used) > 2 else "")
    return tr("Layers: {}").format(plain(shown))


# --- outside the panel


def markdown(turn: AskTurn) -> str:
    """A question with its answer as Markdown."""
    found = turn.found or Found()
    lines = [f"**{_escaped(turn.question.text)}**", ""]
    lines += [*(_escaped(line) for line in (turn.answer or tr("No answer came.")).split("\n")), ""]
    lines += [f"- {_escaped(text)}" for text, _ in endings(turn)]
    if found.evidence:
        lines += ["", tr("Evidence:"), ""]
        lines += [
            f"{number}. {_escaped(evidence_tip(item))}" for number, item in enumerate(found.evidence, 1)
        ]
    return "\n".join(lines).rstrip() + "\n"


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text.replace("\n", " "))


_STYLE = (
    "body { font-family: sans-serif; max-width: 60em; margin: 2em auto; color: #1b2733; } "
    "h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin: 1.6em 0 0.2em 0; } "
    ".answer { font-size: 1.1em; margin: 0.2em 0; } .small { color: #55636f; margin: 0.15em 0; } "
    ".problem { color: #b34700; } img { max-width: 100%; border: 1px solid #9aa7b2; }"
)


def report_html(title: str, lead: str, turns: Sequence[AskTurn], pictures: Mapping[int, str]) -> str:
    """The conversation as a page: every text in it is only text. ``pictures`` are addresses by turn."""
    parts = [
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8">',
        f"<title>{_html(title)}</title><style>{_STYLE}</style></head><body>",
        f'<h1 dir="auto">{_html(title)}</h1><p class="small" dir="auto">{_html(lead)}</p>',
    ]
    for index, turn in enumerate(turns):
        parts += _report_turn(turn, pictures.get(index))
    return "\n".join([*parts, "</body></html>\n"])


def _report_turn(turn: AskTurn, picture: str | None) -> list[str]:
    found = turn.found or Found()
    parts = [
        f'<p class="small" dir="auto">{_html(heading(turn.question))}</p>',
        f'<h2 dir="auto">{_html(turn.question.text)}</h2>',
        f'<p class="answer" dir="auto"><b>{_html(turn.answer or tr("No answer came."))}</b></p>',
    ]
    for text, is_problem in endings(turn):
        parts.append(f'<p class="{"problem" if is_problem else "small"}" dir="auto">{_html(text)}</p>')
    if picture is not None:
        parts.append(f'<p><img src="{picture}" alt="{_html(tr("Map with the evidence"))}" width="640"></p>')
    if found.evidence:
        rows = "".join(f'<li dir="auto">{_html(evidence_tip(item))}</li>' for item in found.evidence)
        parts.append(f'<p class="small">{_html(tr("Evidence:"))}</p><ol>{rows}</ol>')
    return parts


def _html(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def report_title(scene: Path) -> str:
    """The heading of a report."""
    return tr("Questions to {}").format(scene.stem)
