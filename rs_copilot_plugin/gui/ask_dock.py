"""The Ask panel: questions to the scene, answered by computing, with the evidence for each answer."""

from __future__ import annotations

from collections.abc import Sequence, Set

from qgis.PyQt.QtCore import QPoint, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from rs_copilot_plugin import ask_texts
from rs_copilot_plugin.presenters.ask import AskLack, Evidence, EvidenceKind
from rs_copilot_plugin.presenters.attached import Attached
from rs_copilot_plugin.presenters.suggestions import Suggestion
from rs_copilot_plugin.presenters.user_layers import Chosen
from rs_copilot_plugin.translate import tr

from .chips import ChipStrip, ChipText
from .conversation_view import ConversationView
from .question_dock import QuestionDock
from .widgets import tool_button

_ICONS = {
    EvidenceKind.MOMENT: "moment.svg",
    EvidenceKind.TRACK: "track.svg",
    EvidenceKind.MEASURE: "measure.svg",
    EvidenceKind.PLACE: "place.svg",
}


class AskDock(QuestionDock):
    """Draws the state and emits what the user asks for. It decides nothing."""

    again_wanted = pyqtSignal()
    memory_wanted = pyqtSignal()
    correct_wanted = pyqtSignal(int, QPoint)
    layer_wanted = pyqtSignal()
    report_wanted = pyqtSignal(str)
    layers_wanted = pyqtSignal()
    selection_wanted = pyqtSignal()
    region_toggled = pyqtSignal(bool)
    moment_wanted = pyqtSignal()
    detach_wanted = pyqtSignal(int)
    suggestion_picked = pyqtSignal(int)
    evidence_picked = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        view = ConversationView(ask_texts, is_strong=True)
        super().__init__(tr("RS Copilot Ask"), "RsCopilotAsk", "ask_map.svg", view, parent)
        layout = self._begin_layout()
        self.layers_button = tool_button(
            "layers.svg", tr("Which layers of the project take part"), self.layers_wanted.emit, tr("Layers…")
        )
        layout.addLayout(self._top_row())
        self.view.setPlaceholderText(
            tr(
                "Ask what the clip saw, where, when, how many, how far. Answers are computed from the scene "
                "and your layers, and show their evidence on the map."
            )
        )
        layout.addWidget(self.view, 1)
        self.evidence = ChipStrip(tr("Evidence of the answer"), rows=3)
        self.evidence.clicked.connect(self.evidence_picked)
        self.evidence.menu_wanted.connect(self.correct_wanted)
        layout.addWidget(self.evidence)
        layout.addWidget(self.status_line)
        self.suggestions = ChipStrip(tr("Suggested questions"), rows=4)
        self.suggestions.clicked.connect(self.suggestion_picked)
        layout.addWidget(self.suggestions)
        layout.addLayout(self._tool_row())
        self.attachments = ChipStrip(tr("What goes with the question"))
        self.attachments.clicked.connect(self.detach_wanted)
        layout.addWidget(self.attachments)
        self.question_edit.setPlaceholderText(tr("How many vehicles entered the market?"))
        self._end_layout(layout)

    # --- building

    def _top_row(self) -> QHBoxLayout:
        """Which layers are used, and what can be done with the answers."""
        self.layers_button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.edit_button = tool_button(
            "edit.svg",
            tr("Change a question and ask again (Up in the empty box: the last one)"),
            self.edit_wanted.emit,
        )
        self.again_button = tool_button(
            "again.svg", tr("Ask the same question again"), self.again_wanted.emit, tr("Ask again")
        )
        self.correct_button = tool_button(
            "correct.svg", tr("Correct what the chosen evidence shows"), self._offer_corrections
        )
        self.memory_button = tool_button(
            "memory.svg", tr("What the scene knows: inspect, correct, clear"), self.memory_wanted.emit
        )
        self.copy_button = tool_button("copy.svg", tr("Copy the answer as Markdown"), self.copy_wanted.emit)
        self.keep_button = tool_button(
            "keep.svg", tr("Put the evidence into the project as a layer"), self.layer_wanted.emit
        )
        self.export_button = tool_button(
            "export.svg", tr("Export the conversation as a report"), lambda: None
        )
        self.export_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.export_button)
        menu.addAction(tr("As a &Web Page (HTML)…"), lambda: self.report_wanted.emit("html"))
        menu.addAction(tr("As a &PDF…"), lambda: self.report_wanted.emit("pdf"))
        self.export_button.setMenu(menu)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.layers_button, 1)
        for button in (
            self.again_button,
            self.edit_button,
            self.correct_button,
            self.memory_button,
            self.copy_button,
            self.keep_button,
            self.export_button,
        ):
            row.addWidget(button)
        return row

    def _tool_row(self) -> QHBoxLayout:
        """What can go with a question."""
        self.region_button = tool_button(
            "draw_box.svg", tr("Draw a region on the map; the question can say “the region”"), lambda: None
        )
        self.region_button.setText(tr("Region"))
        self.region_button.setCheckable(True)
        self.region_button.toggled.connect(self.region_toggled)
        self.selection_button = tool_button(
            "pin.svg",
            tr("Attach the selected features of the active layer as marks A, B, C"),
            self.selection_wanted.emit,
            tr("Selection"),
        )
        self.moment_button = tool_button(
            "moment.svg",
            tr("Ask about the frame in the video; the question can say “now”"),
            self.moment_wanted.emit,
            tr("Now"),
        )
        self.region_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        row = QHBoxLayout()
        row.setSpacing(2)
        for button in (self.region_button, self.selection_button, self.moment_button):
            row.addWidget(button)
        row.addStretch()
        return row

    def _offer_corrections(self) -> None:
        button = self.correct_button
        self.correct_wanted.emit(-1, button.mapToGlobal(button.rect().bottomLeft()))

    # --- drawing

    def show_ready(self, lacks: Sequence[AskLack]) -> None:
        """Enable the button, or say why it is not."""
        busy = AskLack.BUSY in lacks
        self.question_row.show_ready(not lacks, busy)
        # That a question is missing, the empty box says itself.
        told = [lack for lack in lacks if lack is not AskLack.QUESTION]
        self.show_hint("" if busy or not told else ask_texts.lack_text(told[0]))

    def show_answers(self, has_turn: bool, has_evidence: bool, busy: bool, is_outdated: bool) -> None:
        """Enable what can be done with the answers; to one that is outdated the offer is in words."""
        style = Qt.ToolButtonStyle
        self.again_button.setEnabled(has_turn and not busy)
        self.again_button.setToolButtonStyle(
            style.ToolButtonTextBesideIcon if is_outdated else style.ToolButtonIconOnly
        )
        self.correct_button.setEnabled(not busy)
        self.memory_button.setEnabled(not busy)
        self.edit_button.setEnabled(has_turn and not busy)
        self.copy_button.setEnabled(has_turn)
        self.keep_button.setEnabled(has_evidence)
        self.export_button.setEnabled(has_turn and not busy)

    def show_layers(self, layers: Sequence[Chosen]) -> None:
        """Say which layers take part."""
        self.layers_button.setText(ask_texts.layers_text(layers).replace("&", "&&"))

    def show_evidence(self, evidence: Sequence[Evidence], lit: int | None, corrected: Set[str]) -> None:
        """Offer the evidence of an answer.

        Args:
            evidence: all of it.
            lit: the one that is meant.
            corrected: tracks and objects that were corrected by hand; it is said of them.
        """
        self.evidence.show_chips(
            ChipText(
                ask_texts.evidence_title(item),
                ask_texts.evidence_name(item, corrected),
                ask_texts.evidence_tip(item, corrected),
                _ICONS[item.kind],
                number == lit,
            )
            for number, item in enumerate(evidence)
        )

    def show_suggestions(self, suggestions: Sequence[Suggestion]) -> None:
        """Offer questions; none hides the row."""
        name = tr("Ask: {}")
        self.suggestions.show_chips(ChipText(item.text, name.format(item.text)) for item in suggestions)

    def show_attached(self, attached: Attached) -> None:
        """Say what goes with the question; a click takes it off, in the order region, features, moment."""
        texts = [tr("The region")] if attached.region is not None else []
        texts += [ask_texts.pin_title(index, attached) for index in range(len(attached.pins))]
        texts += [tr("Now = {:.1f} s").format(attached.now_s)] if attached.now_s is not None else []
        name = tr("Detach: {}")
        self.attachments.show_chips(
            ChipText(text, name.format(text), name.format(text), "remove.svg") for text in texts
        )
