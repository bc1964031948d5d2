"""Paints one video frame and says where in it the user clicked."""

from __future__ import annotations

from qgis.PyQt import sip
from qgis.PyQt.QtCore import QPointF, QRectF, QSize, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from rs_copilot_plugin.gui.widgets import text_flags
from rs_copilot_plugin.layers import palette
from rs_copilot_plugin.presenters.detections import Detection, caption, hue_of
from rs_copilot_plugin.presenters.projection import XY
from rs_copilot_plugin.translate import tr

_MARK_MS = 2500
# Captions of smaller boxes would hide the picture.
_CAPTION_FROM_PX = 28


class VideoView(QWidget):
    """A frame, scaled to fit, on black; with the mark of the last click or of a place found on the map."""

    clicked = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._mark: XY | None = None
        self._pins: list[XY] = []
        self._hint = ""
        self._badge: tuple[str, str] | None = None
        self._detail = ""
        self._boxes: list[Detection] = []
        self._class_colours: dict[str, str] = {}
        self._box_space_px = (1, 1)
        self._mark_timer = QTimer(self)
        self._mark_timer.setSingleShot(True)
        self._mark_timer.setInterval(_MARK_MS)
        self._mark_timer.timeout.connect(lambda: self.set_mark(None))
        self.setAccessibleName(tr("Video"))
        self.setMinimumSize(240, 135)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def sizeHint(self) -> QSize:
        return QSize(480, 270)

    @property
    def image(self) -> QImage | None:
        """The frame that is shown."""
        return self._image

    def show_pixels(self, pixels: memoryview, width_px: int, height_px: int, stride_bytes: int) -> None:
        """Show a frame of B, G, R, A bytes. They are copied: their memory is used again for later frames."""
        wrapped = QImage(sip.voidptr(pixels), width_px, height_px, stride_bytes, QImage.Format.Format_RGB32)
        self._image = wrapped.copy()
        self.update()

    def clear(self, hint: str = "") -> None:
        """Show no frame, but a word about why."""
        self._image, self._mark, self._badge, self._hint = None, None, None, hint
        self._boxes, self._pins, self._detail = [], [], ""
        self.update()

    def set_badge(self, text: str, colour: str, detail: str = "") -> None:
        """A small label in the corner: how the current frame was placed, and under it why it was not."""
        self._badge = (text, colour) if text else None
        self._detail = detail
        self.update()

    def set_boxes(
        self, boxes: list[Detection], size_px: tuple[int, int], class_colours: dict[str, str] | None = None
    ) -> None:
        """Objects to frame; their boxes are in pixels of a picture of this size. Classes have colours."""
        self._boxes, self._box_space_px = boxes, size_px
        self._class_colours = class_colours or {}
        self.update()

    def set_mark(self, uv: XY | None) -> None:
        """Mark a place, in shares of width and height, for a moment."""
        self._mark = uv
        if uv is not None:
            self._mark_timer.start()
        self.update()

    def set_pins(self, places_uv: list[XY]) -> None:
        """Places that stay marked, in shares of width and height."""
        self._pins = places_uv
        self.update()

    def picture_rect(self) -> QRectF:
        """Where on the widget the frame is."""
        if self._image is None or self._image.isNull():
            return QRectF()
        scale = min(self.width() / self._image.width(), self.height() / self._image.height())
        width, height = self._image.width() * scale, self._image.height() * scale
        return QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def uv_at(self, position: QPointF) -> XY | None:
        """Shares of width and height under a place on the widget; None beside the frame."""
        box = self.picture_rect()
        if box.isEmpty() or not box.contains(position):
            return None
        return (position.x() - box.x()) / box.width(), (position.y() - box.y()) / box.height()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        uv = self.uv_at(QPointF(event.pos()))
        if event.button() == Qt.MouseButton.LeftButton and uv is not None:
            self.set_mark(uv)
            self.clicked.emit(uv)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#0d1216"))
        box = self.picture_rect()
        if self._image is None:
            self._paint_hint(painter)
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(box, self._image)
            self._paint_boxes(painter, box)
            self._paint_badge(painter, box)
            for pin in self._pins:
                _paint_cross(painter, box, pin, palette.CONTROL)
            if self._mark is not None:
                _paint_cross(painter, box, self._mark, palette.ACCENT)
        painter.end()

    def _paint_hint(self, painter: QPainter) -> None:
        painter.setPen(QColor("#9fb3bf"))
        flags = text_flags(Qt.AlignmentFlag.AlignCenter, Qt.TextFlag.TextWordWrap)
        painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._hint)

    def _paint_boxes(self, painter: QPainter, box: QRectF) -> None:
        if not self._boxes or min(self._box_space_px) <= 0:
            return
        sx, sy = box.width() / self._box_space_px[0], box.height() / self._box_space_px[1]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for found in self._boxes:
            x1, y1, x2, y2 = found.box_px
            frame = QRectF(box.x() + x1 * sx, box.y() + y1 * sy, (x2 - x1) * sx, (y2 - y1) * sy)
            painter.setPen(QPen(QColor(0, 0, 0, 150), 3.0))
            painter.drawRect(frame)
            painter.setPen(QPen(self._colour_of(found), 1.6))
            painter.drawRect(frame)
            if frame.width() >= _CAPTION_FROM_PX:
                _paint_caption(painter, frame, caption(found))

    def _colour_of(self, found: Detection) -> QColor:
        """That of the class on the map; what was found by its motion has that of its track."""
        if found.score is not None and found.label in self._class_colours:
            return QColor(self._class_colours[found.label])
        return QColor.fromHsl(hue_of(found.track_id), 230, 150)

    def _paint_badge(self, painter: QPainter, box: QRectF) -> None:
        if self._badge is None:
            return
        text, colour = self._badge
        metrics = painter.fontMetrics()
        size = QRectF(box.x() + 8, box.y() + 8, metrics.horizontalAdvance(text) + 26, metrics.height() + 6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(10, 18, 24, 190))
        painter.drawRoundedRect(size, 5, 5)
        painter.setBrush(QColor(colour))
        painter.drawEllipse(QPointF(size.x() + 11, size.center().y()), 4, 4)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(size.adjusted(20, 0, 0, 0), text_flags(Qt.AlignmentFlag.AlignVCenter), text)
        if self._detail:
            self._paint_detail(painter, QRectF(size.x(), size.bottom() + 4, box.width() - 16, 400))

    def _paint_detail(self, painter: QPainter, room: QRectF) -> None:
        flags = text_flags(Qt.AlignmentFlag.AlignLeft, Qt.TextFlag.TextWordWrap)
        text_box = painter.boundingRect(room.adjusted(8, 3, -8, 0), flags, self._detail)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(10, 18, 24, 190))
        painter.drawRoundedRect(text_box.adjusted(-8, -3, 8, 3), 5, 5)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(text_box, flags, self._detail)


def _paint_caption(painter: QPainter, frame: QRectF, text: str) -> None:
    """Class and score over the box, where there are any."""
    if not text:
        return
    metrics = painter.fontMetrics()
    size = QRectF(
        frame.x(), frame.y() - metrics.height(), metrics.horizontalAdvance(text) + 6, metrics.height()
    )
    painter.fillRect(size, QColor(10, 18, 24, 190))
    painter.setPen(QColor("#ffffff"))
    painter.drawText(size.adjusted(3, 0, 0, 0), text_flags(Qt.AlignmentFlag.AlignVCenter), text)


def _paint_cross(painter: QPainter, box: QRectF, uv: XY, colour: str) -> None:
    """A ring with four strokes around a place, which itself stays visible."""
    centre = QPointF(box.x() + uv[0] * box.width(), box.y() + uv[1] * box.height())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen_colour, width in ((QColor(0, 0, 0, 160), 4.0), (QColor(colour), 2.0)):
        painter.setPen(QPen(pen_colour, width))
        painter.drawEllipse(centre, 9, 9)
        for step in (QPointF(1, 0), QPointF(-1, 0), QPointF(0, 1), QPointF(0, -1)):
            painter.drawLine(centre + 5 * step, centre + 15 * step)
