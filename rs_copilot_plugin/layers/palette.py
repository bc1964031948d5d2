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
MOVING = "#ffd60a"
CASING = "#ffffff"
INK = "#10202b"

# Classes of found objects: bright, because imagery is mostly dark; neighbours differ in hue and lightness.
CLASSES = (
    "#4cc9f0",
    "#ff5d8f",
    "#80ed99",
    "#ff9f1c",
    "#b388ff",
    "#f4f1de",
    "#e63946",
    "#3a86ff",
    "#d4a373",
    "#c8ff4d",
)

STATUS = {"located": LOCATED, "tracked": TRACKED, "unlocated": UNLOCATED}
