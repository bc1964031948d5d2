"""Constants of `confidence`, fitted by ``benchmarks/calibrate.py``; not to be edited by hand.

2026-11-21: 1117 registered places of 419 photos, 281 of the places right, from
01_fengyuan, 01_fengyuan_on_03_nust, 05_seneca, 1001 and 11 more.
"""

from __future__ import annotations

from rs_copilot.localization.judge import Judge, Radius

JUDGE = Judge(even_odds=-6.791, evidence=1.636, height=0.532, margin=6.48)
RADIUS = Radius(floor=0.525, disagreement=2.1, relief_m=1.604)
