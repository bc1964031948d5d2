"""What the Look panel and the Models window say, in the user's language."""

from __future__ import annotations

from pathlib import PurePath

from .presenters.conversation import Facts, Question, Source, Turn, TurnState, plain
from .presenters.environment import gigabytes
from .presenters.look import Layer, LookLack, Picture, Task, names_of
from .presenters.models import (
    AUTO,
    Advice,
    Destination,
    Model,
    ModelList,
    ModelState,
    Precision,
    Reach,
    gibibytes,
    title_of,
)
from .translate import tr


def task_title(task: Task) -> str:
    """A task's name in the list."""
    return {
        Task.CHAT: tr("Ask anything"),
        Task.ASK: tr("Ask for a short answer"),
        Task.CAPTION: tr("Describe the picture"),
        Task.GROUND: tr("Find what I describe"),
        Task.DETECT: tr("Find all objects of classes"),
        Task.DESCRIBE: tr("Describe what is in a box"),
        Task.CLASSIFY: tr("Say which scene it is"),
        Task.CHOOSE: tr("Choose an answer"),
        Task.COMPARE: tr("Compare frame and map"),
        Task.CLIP: tr("Ask about the whole clip"),
    }[task]


def task_prompt(task: Task) -> str:
    """What the empty box for the question says."""
    return {
        Task.CHAT: tr("What do you want to know?"),
        Task.ASK: tr("A question with a short answer: how many ships are in the harbour?"),
        Task.CHOOSE: tr("A question; the answers to choose from are above."),
        Task.GROUND: tr("What to find: the white roof beside the round tank"),
        Task.CLIP: tr("A question about the clip: when does the truck turn?"),
    }.get(task, tr("Nothing more is needed; words of your own are welcome."))


def names_prompt(task: Task) -> str:
    """What the empty box for names says."""
    named = names_of(task)
    return (
        {
            LookLack.CLASSES: tr("Classes, with commas between: ship, plane"),
            LookLack.SCENES: tr("Scenes, with commas between: harbour, farmland, forest"),
            LookLack.CHOICES: tr("Answers to choose from, with commas between"),
        }.get(named, "")
        if named is not None
        else ""
    )


def picture_title(picture: Picture) -> str:
    """A picture's name in the list."""
    return {
        Picture.SAME: tr("The same picture"),
        Picture.VIEW: tr("What the map shows"),
        Picture.FRAME: tr("The frame in the video"),
        Picture.BOX: tr("A box on the map"),
    }[picture]


def layer_title(layer: Layer) -> str:
    """Where objects are kept."""
    return {Layer.GROUNDINGS: tr("Groundings"), Layer.DETECTIONS: tr("Detections")}[layer]


def lack_text(lack: LookLack) -> str:
    """What the user has to do before an answer can come."""
    return {
        LookLack.BUSY: tr("Wait for the answer, or press Esc."),
        LookLack.ENGINE: tr("The engine is not set up yet."),
        LookLack.MODEL: tr("Choose a model first."),
        LookLack.QUESTION: tr("Write what you want to know."),
        LookLack.CLASSES: tr("Say which classes to look for."),
        LookLack.SCENES: tr("Say which scenes to choose from."),
        LookLack.CHOICES: tr("Say which answers to choose from."),
        LookLack.RASTER: tr("Choose a satellite image in the RS Copilot panel, or look at the video."),
        LookLack.SERVICE: tr(
            "The satellite layer is a service (WMS, XYZ). Save the area you need with Export → Save As… and "
            "choose the saved raster."
        ),
        LookLack.BESIDE: tr("The satellite image has nothing there: move the map to it."),
        LookLack.VIDEO: tr("Open a clip in the video panel first."),
        LookLack.BOX: tr("Draw a box on the map first, with the button beside the picture."),
    }[lack]


# --- the conversation


def heading(question: Question) -> str:
    """The line above a question: what is wanted, of which picture."""
    picture = picture_text(question.source)
    return " · ".join(part for part in (task_title(Task(question.task)), picture) if part)


def picture_text(source: Source | None) -> str:
    """Which picture is meant."""
    if source is None:
        return tr("same picture")
    name = PurePath(source.path).name
    if source.kind != "frame":
        return name if source.quad is None else tr("a box in {}").format(name)
    if source.frames is not None:
        return tr("{} frames of {}").format(source.frames, name)
    text = tr("{} at {:.1f} s").format(name, source.time_s or 0.0)
    return f"{text}, {PurePath(source.more[0].path).name}" if source.more else text


def question_words(question: Question) -> str:
    """The words of a question, and the names that go with it."""
    names = ", ".join(question.classes or question.choices)
    return plain("\n".join(part for part in (question.text, names) if part))


def endings(turn: Turn) -> list[tuple[str, bool]]:
    """The lines below an answer, and whether each tells of a problem."""
    lines = []
    if turn.state is TurnState.STOPPED:
        lines.append((tr("Stopped."), True))
    elif turn.state is TurnState.CUT_OFF:
        lines.append((" ".join(p for p in (tr("Cut off."), turn.error, turn.hint) if p), True))
    elif turn.state is TurnState.FAILED:
        lines.append((f"{turn.error} {turn.hint}".strip() or tr("No answer came."), True))
    if turn.facts is not None:
        lines += _told(turn, turn.facts)
    elif turn.spots:
        lines.append((_counted(turn), False))
    if turn.kept is not None:
        name = PurePath(turn.kept.scene).name
        lines.append((tr("{} rows are kept in {}.").format(len(turn.kept.rows), name), False))
    return lines


def _told(turn: Turn, facts: Facts) -> list[tuple[str, bool]]:
    place = tr("sent to {}").format(facts.sends_to) if facts.sends_to else tr("nothing was sent away")
    first = (
        [] if facts.first_token_s is None else [tr("first word after {:.1f} s").format(facts.first_token_s)]
    )
    parts = [_counted(turn), *first, f"{facts.seconds:.1f} s", facts.model, place]
    lines = [(" · ".join(part for part in parts if part), False)]
    if facts.stop == "length":
        lines.append((tr("The answer reached the length that is allowed; there may be more."), True))
    if facts.stop == "repeated":
        lines.append((tr("The model repeated itself, and was stopped."), True))
    if facts.skipped:
        lines.append((tr("{} lines of the answer make no sense as places.").format(facts.skipped), True))
    return lines + [(note, False) for note in facts.notes]


def _counted(turn: Turn) -> str:
    count, placed = len(turn.spots), len(turn.placed)
    if not count:
        return tr("nothing found") if turn.facts is not None and turn.facts.is_empty else ""
    if placed == count:
        return tr("{} on the map").format(count)
    return tr("{} found, {} of them on the map").format(count, placed)


def transcript(turns: list[Turn]) -> str:
    """A conversation as text that can be pasted anywhere."""
    parts = []
    for turn in turns:
        said = [f"> {line}" for line in question_words(turn.question).split("\n") if line]
        ending = [f"({text})" for text, _ in endings(turn)]
        parts.append("\n".join((f"[{heading(turn.question)}]", *said, "", turn.answer, *ending)))
    return "\n\n".join(parts)


# --- models


def destination_text(name: str, place: Destination) -> str:
    """Whether pixels leave this machine."""
    if not name:
        return tr("No model is chosen: nothing is looked at.")
    if place.reach is Reach.NOWHERE:
        return tr("Pixels and words stay on this machine.")
    if place.reach is Reach.THIS_MACHINE:
        return tr("Pixels and words go to a server on this machine ({}).").format(place.host)
    text = tr("Pixels and words leave this machine: they are sent to {}.").format(place.host)
    return text if place.is_encrypted else f"{text} {tr('The connection is not encrypted.')}"


def precision_title(precision: Precision) -> str:
    """A precision in the list, with what it needs."""
    if precision.name == AUTO:
        return tr("Automatic")
    names = {"nf4": tr("4-bit"), "int8": tr("8-bit"), "bf16": "16-bit", "fp32": "32-bit"}
    name = names.get(precision.name, precision.name)
    if not precision.needs_bytes:
        return name
    text = tr("{}, needs {}").format(name, gibibytes(precision.needs_bytes))
    return text if precision.fits else tr("{}: too much for this machine").format(text)


def state_title(model: Model) -> str:
    """What of a model is there."""
    return {
        ModelState.PRESENT: tr("Ready"),
        ModelState.PARTIAL: tr("Partly fetched"),
        ModelState.ABSENT: tr("Not fetched"),
        ModelState.BROKEN: tr("Damaged"),
    }[model.state]


def memory_text(model: Model) -> str:
    """What a model needs, by precision, and whether that fits."""
    if model.precisions and not model.fits:
        return tr("too large")
    return "" if model.best is None else precision_title(model.best)


def without_model() -> str:
    """What can be done when there is no model."""
    return tr(
        "Nothing can be asked without a model. Locating clips, tracking, finding objects with a detector, "
        "and searching tiles need none: they are in the RS Copilot panel and in the Processing toolbox."
    )


def advice_text(advice: Advice) -> str:
    """The model that suits this machine, and what fetching it means."""
    model = advice.model
    precision = next((item for item in model.precisions if item.name == advice.precision), None)
    how = "" if precision is None else precision_title(precision)
    why = advice.why[:1].upper() + advice.why[1:]
    facts = [
        "" if why else how,
        tr("{} to download").format(gigabytes(model.size_bytes)) if model.size_bytes else "",
        tr("licence: {}").format(model.licence) if model.licence else "",
    ]
    first = tr("{} fits this machine: {}.").format(model.title, ", ".join(part for part in facts if part))
    return f"{first}\n{why}".rstrip()


def no_advice(listed: ModelList) -> str:
    """When no model of the list suits this machine, or the engine offers none."""
    if not listed.is_known:
        return tr("Looking which models are there…")
    return tr(
        "No model of the list fits into this machine's memory. A server of your own, or one in your network, "
        "can answer in its place."
    )


def model_details(model: Model) -> str:
    """All that is known about a model, line by line."""
    lines = [
        model.title,
        model.purpose,
        tr("From {}").format(model.repository) if model.repository else "",
        tr("Revision {}").format(model.revision) if model.revision else "",
        *_licence_lines(model),
        tr("Lies in {}").format(model.path) if model.path else "",
        tr("Adapters: {}").format(", ".join(model.adapters)) if model.adapters else "",
    ]
    lines += [f"{precision_title(item)} {item.note}".rstrip() for item in model.precisions]
    return "\n".join(line for line in lines if line)


def _licence_lines(model: Model) -> list[str]:
    if not model.licence:
        return []
    return [tr("Licence: {}").format(model.licence), model.terms, model.licence_url]


def machine_text(listed: ModelList) -> str:
    """Where models lie, and what this machine has for them."""
    parts = [tr("Models lie in {}").format(listed.folder)]
    if listed.disk_free_bytes is not None:
        parts.append(tr("{} free on the disk").format(gigabytes(listed.disk_free_bytes)))
    if listed.memory_free_bytes is not None:
        parts.append(tr("{}: {} of memory free").format(listed.device, gibibytes(listed.memory_free_bytes)))
    return "\n".join([" · ".join(parts), *listed.notes])


def fetch_question(model: Model, listed: ModelList) -> str:
    """Asked before anything is downloaded: how much, from where, under which terms."""
    size = gigabytes(model.size_bytes) if model.size_bytes else tr("an unknown size")
    lines = [tr("Fetch {}: {} from {}?").format(model.title, size, model.repository or "?")]
    if listed.disk_free_bytes is not None:
        lines.append(tr("{} free on the disk").format(gigabytes(listed.disk_free_bytes)))
    lines += _licence_lines(model)
    if model.precisions and not model.fits:
        lines.append(tr("It does not fit into this machine's memory."))
    return "\n".join(line for line in lines if line)


def remove_question(model: Model) -> str:
    """Asked before files are deleted."""
    text = tr("Delete the files of {} ({})? They can be fetched again.")
    return text.format(model.title or title_of(model.id), gigabytes(model.size_bytes))
