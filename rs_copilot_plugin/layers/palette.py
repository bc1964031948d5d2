"""Colours of the plugin, chosen to hold on light and dark maps and for colour-blind eyes.

The three states are Okabe and Ito's bluish green, orange and vermilion (Color Universal Design, 2008).
"""

from __future__ import annotations

LOCATED = "#009e73"
TRACKED = "#e69f00"
UNLOCATED = "#d55e00"
ACCENT = "#00b4d8"
TRAJECTORY = "#2f6fed"
CONTROL = "#ffd60a"
SEARCH = "#cc79a7"
CASING = "#ffffff"
INK = "#10202b"

STATUS = {"located": LOCATED, "tracked": TRACKED, "unlocated": UNLOCATED}
