"""The conversation as it goes. A model's text goes in letter by letter: never as HTML, and without links."""

from __future__ import annotations

from typing import Protocol

from qgis.PyQt.QtCore import QEvent, Qt, pyqtSignal
from qgis.PyQt.QtGui import (
    QColor,
    QMouseEvent,
    QPalette,
    QResizeEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
)
from qgis.PyQt.QtWidgets import QFrame, QTextEdit, QWidget

from rs_copilot_plugin import look_texts
from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.conversation import Conversation, Heard, Question, Spot, Turn
from rs_copilot_plugin.translate import tr

# A block of the document knows its turn and its line of the answer by one number; line 0 is the question's.
_LINES_PER_TURN = 1 << 16
_NO_PLACE = (-1, -1)
_STRIPE_PX = 10.0
_MIN_HEIGHT_PX = 90
_CALLS = ("<tool_call>", "</tool_call>", '{"name": "image_zoom_in"')
_BASE, _TEXT, _HIGHLIGHT = QPalette.ColorRole.Base, QPalette.ColorRole.Text, QPalette.ColorRole.Highlight


class Words(Protocol):
    """How a panel says what belongs to a turn; see `look_texts`."""

    def heading(self, question: Question) -> str:
        """The line above a question."""

    def question_words(self, question: Question) -> str:
        """The question itself."""

    def endings(self, turn: Turn) -> list[tuple[str, bool]]:
        """The lines below an answer, and whether each tells of a problem."""


class ConversationView(QTextEdit):
    """Draws turns and says which line the user points at: ``picked`` carries turn and line, -1 for none."""

    picked = pyqtSignal(int, int)

    def __init__(
        self, words: Words = look_texts, is_strong: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._words = words
        # Short answers stand out from what is said about them.
        self._answer_weight = 600 if is_strong else 400
        # The docks' column must not become higher than a small screen.
        self.setMinimumHeight(_MIN_HEIGHT_PX)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setAcceptDrops(False)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        flags = Qt.TextInteractionFlag
        self.setTextInteractionFlags(flags.TextSelectableByMouse | flags.TextSelectableByKeyboard)
        self.setAccessibleName(tr("Conversation"))
        self.setPlaceholderText(
            tr("Answers appear here. A click on a line that names a place lights it up on the map.")
        )
        self.document().setDocumentMargin(8.0)
        self.setMouseTracking(True)
        self._conversation = Conversation()
        self._line = 0
        self._writing = False
        self._place = _NO_PLACE
        self._lit = _NO_PLACE
        self.cursorPositionChanged.connect(self._tell)

    # --- drawing

    def show_conversation(self, conversation: Conversation) -> None:
        """Draw all of it anew."""
        self._conversation = conversation
        self._lit = _NO_PLACE
        self._writing = True
        self.clear()
        self._writing = False
        for turn in conversation.turns:
            self.begin(turn)
            self.append_heard(turn, Heard(turn.answer, tuple(turn.spots)))
            if not turn.is_open:
                self.end(turn)
        self._to_end()

    def begin(self, turn: Turn) -> None:
        """Add a question; whatever was pointed at before is not meant any more."""
        self._place = _NO_PLACE
        index, cursor = self._index_of(turn), self._at_end()
        tint = self._question_format()
        head = self._small()
        head.setFontWeight(600)
        self._block(cursor, tint, head, index, 0)
        cursor.insertText(self._words.heading(turn.question), head)
        words = self._words.question_words(turn.question)
        tint.setTopMargin(0.0)
        for line in words.split("\n") if words else ():
            self._block(cursor, tint, self._normal(), index, 0)
            cursor.insertText(line, self._normal())
        self._line = 0
        self._block(cursor, self._answer_format(8.0), self._spoken(), index, 1)
        self._finish_writing(follow=True)

    def append_heard(self, turn: Turn, heard: Heard) -> None:
        """Add what was said since; objects mark their lines."""
        index, cursor = self._index_of(turn), self._at_end()
        for number, piece in enumerate(heard.text.split("\n")):
            if number:
                self._line += 1
                self._block(cursor, self._answer_format(0.0), self._spoken(), index, self._line + 1)
            cursor.insertText(piece, self._spoken())
            if cursor.block().text().startswith(_CALLS):
                # The model asks for a closer look: that is no part of the answer, and is drawn on the map.
                self._restyle(cursor.block(), 0, len(cursor.block().text()), self._small())
        for spot in heard.spots:
            self._mark(index, spot)
        self._finish_writing()

    def end(self, turn: Turn) -> None:
        """Add how the answer ended."""
        index, cursor = self._index_of(turn), self._at_end()
        for text, is_problem in self._words.endings(turn):
            style = self._small()
            if is_problem:
                style.setForeground(QColor(palette.UNLOCATED))
            self._block(cursor, self._answer_format(3.0), style, index, 0)
            cursor.insertText(text, style)
        self._finish_writing()

    def light_up(self, turn: int, line: int) -> None:
        """Show which line is meant; no other one is lit."""
        self._lit = (turn, line)
        block = self._find(turn, line + 1) if line >= 0 else None
        if block is None:
            self.setExtraSelections([])
            return
        selection = QTextEdit.ExtraSelection()
        selection.cursor = QTextCursor(block)
        selection.format.setBackground(_mix(self._colour(_BASE), self._colour(_HIGHLIGHT), 0.42))
        selection.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        self.setExtraSelections([selection])

    def show_line(self, turn: int, line: int) -> None:
        """Light a line up and bring it into view."""
        self.light_up(turn, line)
        block = self._find(turn, line + 1)
        if block is not None:
            self._writing = True
            self.setTextCursor(QTextCursor(block))
            self._writing = False
            self._place = (turn, line)
            self.ensureCursorVisible()

    @property
    def place(self) -> tuple[int, int]:
        """Turn and line under the text cursor; the line is -1 in a question."""
        return self._place

    # --- the document

    def _at_end(self) -> QTextCursor:
        bar = self.verticalScrollBar()
        self._follows = bar.value() >= bar.maximum() - bar.singleStep()
        self._writing = True
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        return cursor

    def _finish_writing(self, follow: bool = False) -> None:
        self._writing = False
        if follow or self._follows:
            self._to_end()

    def _to_end(self) -> None:
        bar = self.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _block(
        self, cursor: QTextCursor, shape: QTextBlockFormat, style: QTextCharFormat, turn: int, line: int
    ) -> None:
        """Begin a paragraph; the very first one is there already."""
        if cursor.document().isEmpty() and cursor.block().userState() < 0:
            cursor.setBlockFormat(shape)
            cursor.setBlockCharFormat(style)
        else:
            cursor.insertBlock(shape, style)
        cursor.block().setUserState(turn * _LINES_PER_TURN + line)

    def _mark(self, turn: int, spot: Spot) -> None:
        """Let a line that stands for a place look like one that can be clicked; its numbers step back."""
        block = self._find(turn, spot.line + 1) if spot.line >= 0 else None
        if block is None:
            return
        self._restyle(block, 0, len(block.text()), self._small())
        style = self._normal()
        style.setFontWeight(600)
        style.setFontPointSize(self.font().pointSizeF())
        style.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
        style.setUnderlineColor(QColor(palette.ACCENT))
        start = block.text().rfind(spot.label) if spot.label else -1
        if start >= 0:
            self._restyle(block, start, len(spot.label), style)

    @staticmethod
    def _restyle(block: QTextBlock, start: int, length: int, style: QTextCharFormat) -> None:
        # Qt counts letters beyond the first plane of Unicode twice.
        before, part = block.text()[:start], block.text()[start : start + length]
        cursor = QTextCursor(block)
        cursor.setPosition(block.position() + _utf16_length(before))
        end = cursor.position() + _utf16_length(part)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(style)

    def _find(self, turn: int, line: int) -> QTextBlock | None:
        """The paragraph of a line; new ones are at the end, so it is looked for from there."""
        wanted, block = turn * _LINES_PER_TURN + line, self.document().lastBlock()
        while block.isValid():
            if block.userState() == wanted:
                return block
            if 0 <= block.userState() < turn * _LINES_PER_TURN:
                return None
            block = block.previous()
        return None

    def _index_of(self, turn: Turn) -> int:
        return next(i for i, known in enumerate(self._conversation.turns) if known is turn)

    # --- looks

    def _colour(self, role: QPalette.ColorRole) -> QColor:
        return self.palette().color(role)

    def _normal(self) -> QTextCharFormat:
        style = QTextCharFormat()
        style.setForeground(self._colour(_TEXT))
        return style

    def _spoken(self) -> QTextCharFormat:
        style = self._normal()
        style.setFontWeight(self._answer_weight)
        return style

    def _small(self) -> QTextCharFormat:
        style = QTextCharFormat()
        style.setForeground(_mix(self._colour(_TEXT), self._colour(_BASE), 0.36))
        style.setFontPointSize(max(7.0, self.font().pointSizeF() * 0.88))
        return style

    def _question_format(self) -> QTextBlockFormat:
        shape = QTextBlockFormat()
        shape.setBackground(_mix(self._colour(_BASE), self._colour(_HIGHLIGHT), 0.13))
        shape.setTopMargin(0.0 if self.document().isEmpty() else _STRIPE_PX)
        shape.setTextIndent(6.0)
        return shape

    @staticmethod
    def _answer_format(top_px: float) -> QTextBlockFormat:
        shape = QTextBlockFormat()
        shape.setTopMargin(top_px)
        shape.setLeftMargin(6.0)
        return shape

    # --- what the user does

    def _tell(self) -> None:
        if self._writing:
            return
        place = self._place_of(self.textCursor().block())
        if place != self._place:
            self._place = place
            self.picked.emit(*place)

    @staticmethod
    def _place_of(block: QTextBlock) -> tuple[int, int]:
        state = block.userState()
        return _NO_PLACE if state < 0 else (state // _LINES_PER_TURN, state % _LINES_PER_TURN - 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        # A click on the line that is chosen already is a wish to see it again.
        self._place = _NO_PLACE
        super().mousePressEvent(event)
        self._tell()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        turn, line = self._place_of(self.cursorForPosition(event.pos()).block())
        turns = self._conversation.turns
        is_spot = 0 <= turn < len(turns) and line >= 0 and bool(turns[turn].spots_in_line(line))
        shape = Qt.CursorShape.PointingHandCursor if is_spot else Qt.CursorShape.IBeamCursor
        self.viewport().setCursor(shape)

    def resizeEvent(self, event: QResizeEvent) -> None:
        bar = self.verticalScrollBar()
        was_at_end = bar.value() >= bar.maximum() - bar.singleStep()
        super().resizeEvent(event)
        if was_at_end:
            self._to_end()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange) and not self._writing:
            lit = self._lit
            self.show_conversation(self._conversation)
            self.light_up(*lit)


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _mix(first: QColor, second: QColor, share: float) -> QColor:
    """A colour between two, so that it fits a light and a dark theme."""
    parts = zip(first.getRgb()[:3], second.getRgb()[:3])
    return QColor(*(round(a + share * (b - a)) for a, b in parts))
