"""The list of clips: each with its telemetry and how its frames fared."""

from __future__ import annotations

from pathlib import Path

from qgis.PyQt.QtCore import QModelIndex, QRect, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFont,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
)
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from rs_copilot_plugin.gui.widgets import text_flags
from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.clips import Clip
from rs_copilot_plugin.presenters.scene import ClipSummary
from rs_copilot_plugin.translate import tr

CLIP_ROLE = Qt.ItemDataRole.UserRole + 1
SUMMARY_ROLE = Qt.ItemDataRole.UserRole + 2
_PAD = 6


def inputs_text(clip: Clip) -> str:
    """What a row says about telemetry and control points."""
    points = tr("{} control points").format(clip.control_points) if clip.control_points else ""
    return " · ".join(part for part in (telemetry_text(clip), points) if part)


def telemetry_text(clip: Clip) -> str:
    """What a row says about telemetry."""
    if clip.telemetry is not None:
        return tr("Telemetry: {}").format(clip.telemetry.name)
    return tr("Telemetry from the pictures, if any") if clip.is_folder else tr("No telemetry beside it")


def summary_text(summary: ClipSummary) -> str:
    """What a row says about results."""
    parts = [tr("{} located").format(summary.located), tr("{} tracked").format(summary.tracked)]
    if summary.unlocated:
        parts.append(tr("{} unlocated").format(summary.unlocated))
    if summary.median_error_m is not None:
        parts.append(f"±{summary.median_error_m:.1f} m")
    return " · ".join(parts)


def _tip(clip: Clip, summary: ClipSummary | None) -> str:
    """Where the clip is, and why most of its unlocated frames are."""
    lines = [str(clip.path)]
    if summary is not None:
        lines.append(summary_text(summary))
        if summary.unlocated and summary.main_reason:
            lines.append(tr("Unlocated mostly because: {}").format(summary.main_reason))
    return "\n".join(lines)


class _Delegate(QStyledItemDelegate):
    """Paints a clip as name, telemetry and a bar of its frames' states."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        line = option.fontMetrics.height()
        lines = 3.2 if index.data(SUMMARY_ROLE) else 2.1
        return QSize(120, int(line * lines) + 2 * _PAD)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        clip: Clip = index.data(CLIP_ROLE)
        style = QApplication.style()
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, option, painter, option.widget)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        strong = option.palette.color(role)
        faint = QColor(strong)
        faint.setAlpha(165)
        box = option.rect.adjusted(_PAD + 2, _PAD, -_PAD - 2, -_PAD)
        line = option.fontMetrics.height()
        painter.save()
        bold = QFont(option.font)
        bold.setBold(True)
        self._text(painter, QRect(box.x(), box.y(), box.width(), line), clip.name, bold, strong)
        under = QRect(box.x(), box.y() + line, box.width(), line)
        self._text(painter, under, inputs_text(clip), option.font, faint)
        summary = index.data(SUMMARY_ROLE)
        if summary is not None:
            self._summary(painter, under.translated(0, line), summary, option.font, faint)
        painter.restore()

    @staticmethod
    def _text(painter: QPainter, box: QRect, text: str, font: QFont, colour: QColor) -> None:
        painter.setFont(font)
        painter.setPen(colour)
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, box.width())
        painter.drawText(box, text_flags(Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignLeft), shown)

    def _summary(
        self, painter: QPainter, box: QRect, summary: ClipSummary, font: QFont, colour: QColor
    ) -> None:
        bar = QRectF(box.x(), box.y() + 3, box.width(), 4)
        _draw_share_bar(painter, bar, summary)
        self._text(painter, box.translated(0, 8), summary_text(summary), font, colour)


def _draw_share_bar(painter: QPainter, bar: QRectF, summary: ClipSummary) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    clip = QPainterPath()
    clip.addRoundedRect(bar, 2, 2)
    painter.save()
    painter.setClipPath(clip)
    x = bar.x()
    for count, colour in (
        (summary.located, palette.LOCATED),
        (summary.tracked, palette.TRACKED),
        (summary.unlocated, palette.UNLOCATED),
    ):
        width = bar.width() * count / max(1, summary.total)
        painter.fillRect(QRectF(x, bar.y(), width, bar.height()), QColor(colour))
        x += width
    painter.restore()


class ClipListView(QListWidget):
    """Shows clips and takes dropped files."""

    paths_dropped = pyqtSignal(list)
    clip_activated = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Clips"))
        self.setItemDelegate(_Delegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setAcceptDrops(True)
        self.setMinimumHeight(64)
        self.itemActivated.connect(lambda item: self.clip_activated.emit(item.data(CLIP_ROLE)))

    def sizeHint(self) -> QSize:
        return QSize(240, 110)

    def show_clips(self, clips: list[Clip], summaries: dict[Path, ClipSummary]) -> None:
        """Draw these clips; the selection is kept."""
        selected = set(self.selected_paths())
        self.clear()
        for clip in clips:
            item = QListWidgetItem(self)
            item.setData(CLIP_ROLE, clip)
            item.setData(SUMMARY_ROLE, summaries.get(clip.path))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{clip.name}, {inputs_text(clip)}")
            item.setToolTip(_tip(clip, summaries.get(clip.path)))
            item.setSelected(clip.path in selected)

    def selected_paths(self) -> list[Path]:
        """Clips that are selected."""
        return [item.data(CLIP_ROLE).path for item in self.selectedItems()]

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.paths_dropped.emit(paths)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.count() == 0:
            painter = QPainter(self.viewport())
            colour = self.palette().color(QPalette.ColorRole.Text)
            colour.setAlpha(130)
            painter.setPen(colour)
            flags = text_flags(Qt.AlignmentFlag.AlignCenter, Qt.TextFlag.TextWordWrap)
            hint = tr("Drop video clips, pictures or folders here")
            painter.drawText(self.viewport().rect().adjusted(12, 8, -12, -8), flags, hint)
            painter.end()
