"""The Look panel: a conversation with a model about what the map or the video shows."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from rs_copilot_plugin import look_texts
from rs_copilot_plugin.presenters.look import Layer, LookLack, Picture, Task, names_of
from rs_copilot_plugin.translate import tr

from .conversation_view import ConversationView
from .offer_card import OfferCard
from .question_dock import QuestionDock
from .widgets import fill_combo, narrow_combo, tool_button


class LookDock(QuestionDock):
    """Draws the state and emits what the user asks for. It decides nothing."""

    box_toggled = pyqtSignal(bool)
    new_wanted = pyqtSignal()
    keep_wanted = pyqtSignal(str)
    undo_wanted = pyqtSignal()
    release_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(tr("RS Copilot Look"), "RsCopilotLook", "look.svg", ConversationView(), parent)
        layout = self._begin_layout()
        self.offer = OfferCard()
        self.offer.hide()
        layout.addWidget(self.offer, 1)
        layout.addWidget(self.view, 1)
        layout.addLayout(self._answer_row())
        layout.addWidget(self.status_line)
        layout.addLayout(self._picture_row())
        self.names_edit = QLineEdit()
        self.names_edit.setAccessibleName(tr("Names"))
        self.names_edit.textChanged.connect(self._tell)
        self.names_edit.returnPressed.connect(self._entered)
        layout.addWidget(self.names_edit)
        self._end_layout(layout)

    # --- building

    def _answer_row(self) -> QHBoxLayout:
        """What can be done with the answers."""
        self.keep_button = tool_button("keep.svg", tr("Keep the objects in the scene"), lambda: None)
        self.keep_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.keep_button)
        self.keep_actions = {}
        for layer in Layer:
            action = menu.addAction(tr("As {}").format(look_texts.layer_title(layer)))
            action.triggered.connect(lambda _checked=False, name=layer.value: self.keep_wanted.emit(name))
            self.keep_actions[layer] = action
        self.keep_button.setMenu(menu)
        self.keep_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.undo_button = tool_button(
            "undo.svg", tr("Take what was kept last out of the scene again"), self.undo_wanted.emit
        )
        self.edit_button = tool_button(
            "edit.svg",
            tr("Change a question and ask again (Up in the empty box: the last one)"),
            self.edit_wanted.emit,
        )
        self.copy_button = tool_button("copy.svg", tr("Copy the conversation as text"), self.copy_wanted.emit)
        self.new_button = tool_button("new_talk.svg", tr("New conversation"), self.new_wanted.emit)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.keep_button)
        row.addWidget(self.undo_button)
        row.addStretch()
        for button in (self.edit_button, self.copy_button, self.new_button):
            row.addWidget(button)
        return row

    def _picture_row(self) -> QHBoxLayout:
        self.task_combo = narrow_combo()
        self.task_combo.setAccessibleName(tr("Task"))
        for task in Task:
            self.task_combo.addItem(look_texts.task_title(task), task.value)
        self.task_combo.currentIndexChanged.connect(self._tell)
        self.picture_combo = narrow_combo()
        self.picture_combo.setAccessibleName(tr("Picture"))
        self.picture_combo.currentIndexChanged.connect(self._tell)
        self.box_button = tool_button("draw_box.svg", tr("Draw a box on the map"), lambda: None)
        self.box_button.setCheckable(True)
        self.box_button.toggled.connect(self.box_toggled)
        self.options_button = tool_button(
            "settings.svg", tr("How closely the model looks, and its memory"), lambda: None
        )
        self.options_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.options_button)
        menu.setToolTipsVisible(True)
        self.zoom_action = menu.addAction(tr("&Zoom in by itself where the picture is large"))
        self.max_action = menu.addAction(tr("&Max mode for detection: finer, slower"))
        for action in (self.zoom_action, self.max_action):
            action.setCheckable(True)
            action.toggled.connect(self._tell)
        menu.addSeparator()
        menu.addAction(tr("&Free the memory of the model"), self.release_wanted.emit)
        self.options_button.setMenu(menu)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.task_combo, 1)
        row.addWidget(self.picture_combo, 1)
        row.addWidget(self.box_button)
        row.addWidget(self.options_button)
        return row

    # --- drawing

    def show_task(self, task: Task, can_reuse: bool, picture: Picture) -> None:
        """Show what matters for this task."""
        self._choose(self.task_combo, task.value)
        fixed = task in (Task.COMPARE, Task.CLIP)
        pictures = [item for item in Picture if item is not Picture.SAME or can_reuse]
        items = [(look_texts.picture_title(item), item.value) for item in pictures]
        fill_combo(self.picture_combo, items, picture.value)
        self.picture_combo.setEnabled(not fixed)
        self.names_edit.setVisible(names_of(task) is not None)
        self.names_edit.setPlaceholderText(look_texts.names_prompt(task))
        self.question_edit.setPlaceholderText(look_texts.task_prompt(task))

    def show_options(self, zoom: bool, max_mode: bool) -> None:
        """Draw the check marks."""
        for action, on in ((self.zoom_action, zoom), (self.max_action, max_mode)):
            action.blockSignals(True)
            action.setChecked(on)
            action.blockSignals(False)

    def show_text(self, text: str, names: str) -> None:
        """Fill the boxes, without a word to anybody."""
        self.question_row.show_text(text)
        self.names_edit.blockSignals(True)
        self.names_edit.setText(names)
        self.names_edit.blockSignals(False)

    def show_ready(self, lacks: list[LookLack], is_editing: bool) -> None:
        """Enable the button, or say why it is not."""
        busy = LookLack.BUSY in lacks
        self.question_row.show_ready(not lacks, busy)
        self.ask_button.setText(tr("As&k Again") if is_editing else tr("As&k"))
        # That a question is missing, the empty box says itself.
        told = [lack for lack in lacks if lack is not LookLack.QUESTION]
        text = "" if busy or not told else look_texts.lack_text(told[0])
        if not text and is_editing:
            text = tr("This question takes the place of the former one, and of all after it. Esc: leave it.")
        self.show_hint(text)

    def show_answers(self, has_turns: bool, busy: bool, count: int, layer: Layer, can_undo: bool) -> None:
        """Enable what can be done with the answers; ``count`` objects could be kept."""
        self.keep_button.setEnabled(count > 0 and not busy)
        self.keep_button.setText(tr("Keep {}").format(count) if count else tr("Keep"))
        self.keep_button.menu().setDefaultAction(self.keep_actions[layer])
        self.undo_button.setEnabled(can_undo and not busy)
        self.edit_button.setEnabled(has_turns and not busy)
        self.copy_button.setEnabled(has_turns)
        self.new_button.setEnabled(has_turns and not busy)

    # --- what the user does

    @property
    def task(self) -> Task:
        """The chosen task."""
        return Task(self.task_combo.currentData())

    @property
    def picture(self) -> Picture:
        """The chosen picture."""
        return Picture(self.picture_combo.currentData())

    def _tell(self, *_value: object) -> None:
        self.changed.emit()

    def _entered(self) -> None:
        if self.ask_button.isVisibleTo(self):
            self.ask_wanted.emit()

    @staticmethod
    def _choose(combo: QComboBox, data: str) -> None:
        combo.blockSignals(True)
        combo.setCurrentIndex(max(0, combo.findData(data)))
        combo.blockSignals(False)
