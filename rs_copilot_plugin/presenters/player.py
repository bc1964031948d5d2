"""The video player as a state machine: what is shown, what should be shown now, and when to stop."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

_DEFAULT_FPS = Fraction(25)
# Faster than this no screen of ours draws, slower than this play is not motion.
_MIN_TICK_S, _MAX_TICK_S = 0.015, 0.5


class PlayerState(Enum):
    """What the player does."""

    EMPTY = "empty"
    OPENING = "opening"
    PAUSED = "paused"
    PLAYING = "playing"


@dataclass
class Player:
    """Time runs on a clock that is handed in; frames are asked for by their time in the clip."""

    state: PlayerState = PlayerState.EMPTY
    duration_s: float = 0.0
    fps: Fraction = _DEFAULT_FPS
    times_s: tuple[float, ...] = ()
    position_s: float = 0.0
    speed: float = 1.0
    _started_at_s: float = 0.0
    _started_from_s: float = 0.0

    @property
    def tick_s(self) -> float:
        """How often to ask `tick` while playing."""
        return min(_MAX_TICK_S, max(_MIN_TICK_S, float(1 / self.fps) / max(self.speed, 0.1)))

    @property
    def is_open(self) -> bool:
        """Whether there is a clip to show."""
        return self.state in (PlayerState.PAUSED, PlayerState.PLAYING)

    def opening(self) -> None:
        """A clip was asked for."""
        self.state, self.position_s, self.times_s, self.duration_s = PlayerState.OPENING, 0.0, (), 0.0

    def opened(self, duration_s: float, fps: str | None, times_s: tuple[float, ...] = ()) -> None:
        """The clip is known: pause at its first frame."""
        self.duration_s, self.times_s = max(0.0, duration_s), tuple(times_s)
        self.fps = _parse_fps(fps)
        if fps is None and len(times_s) > 1:
            gap_s = (times_s[-1] - times_s[0]) / (len(times_s) - 1)
            self.fps = Fraction(1 / gap_s).limit_denominator(1000) if gap_s > 0 else _DEFAULT_FPS
        self.state = PlayerState.PAUSED
        self.position_s = times_s[0] if times_s else 0.0

    def closed(self) -> None:
        """Nothing to show any more."""
        self.state, self.position_s, self.times_s, self.duration_s = PlayerState.EMPTY, 0.0, (), 0.0

    def toggle(self, now_s: float) -> None:
        """Play or pause; at the end, play starts over."""
        if self.state is PlayerState.PLAYING:
            self.state = PlayerState.PAUSED
        elif self.state is PlayerState.PAUSED:
            if self.position_s >= self.last_s - 1e-6:
                self.position_s = 0.0
            self.state = PlayerState.PLAYING
            self._anchor(now_s)

    def tick(self, now_s: float) -> float | None:
        """The time that should be on the screen now; None while not playing. Pauses at the end."""
        if self.state is not PlayerState.PLAYING:
            return None
        wanted_s = self._started_from_s + (now_s - self._started_at_s) * self.speed
        if wanted_s >= self.last_s:
            wanted_s, self.state = self.last_s, PlayerState.PAUSED
        self.position_s = wanted_s
        return wanted_s

    def seek(self, time_s: float, now_s: float) -> float:
        """Go to a time within the clip; returns it. Playing goes on from there."""
        self.position_s = min(max(0.0, time_s), self.last_s)
        self._anchor(now_s)
        return self.position_s

    def step(self, count: int, now_s: float) -> float:
        """Pause and go ``count`` frames on (back where negative); returns the time."""
        self.state = PlayerState.PAUSED if self.is_open else self.state
        if self.times_s:
            # Half a millisecond of tolerance: shown times are those of the container, rounded by nobody else.
            here = bisect_right(self.times_s, self.position_s + 5e-4) - 1
            target = min(max(0, here + count), len(self.times_s) - 1)
            return self.seek(self.times_s[target], now_s)
        return self.seek(self.position_s + float(count / self.fps), now_s)

    @property
    def last_s(self) -> float:
        """Time of the last frame."""
        return self.times_s[-1] if self.times_s else max(0.0, self.duration_s - float(1 / self.fps))

    def _anchor(self, now_s: float) -> None:
        self._started_at_s, self._started_from_s = now_s, self.position_s


def _parse_fps(text: str | None) -> Fraction:
    try:
        fps = Fraction(text) if text else _DEFAULT_FPS
    except (ValueError, ZeroDivisionError):
        return _DEFAULT_FPS
    return fps if fps > 0 else _DEFAULT_FPS


def sureness_text(score: float) -> str:
    """A probability for people; nothing here is known with certainty."""
    if score > 0.99:
        return "> 99 %"
    return f"{100 * score:.0f} %" if score >= 0.01 else "< 1 %"


def clock_text(time_s: float, with_tenths: bool = True) -> str:
    """``1:02:03.4`` or ``02:03.4``."""
    tenths = round(max(0.0, time_s) * 10)
    seconds, rest = divmod(tenths, 10)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"
    return f"{text}.{rest}" if with_tenths else text
