"""Constants of `confidence`, fitted by ``benchmarks/calibrate.py``; not to be edited by hand.

2026-11-21: 653 registered places of 169 photos, 111 of the places right, from
01_fengyuan, 01_fengyuan_on_03_nust, 05_seneca, 1001 and 5 more.
"""

from __future__ import annotations

from rs_copilot.localization.judge import Judge, Radius

JUDGE = Judge(even_odds=-6.523, evidence=1.323, height=0.506, margin=6.335)
RADIUS = Radius(floor=0.495, disagreement=1.981, relief_m=0.8)
