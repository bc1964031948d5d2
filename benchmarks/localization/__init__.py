"""How well frames are localised, side by side with simpler methods, in one run.

    python -m benchmarks.localization [--data DIR] [--quick] [--only PREFIX,...] [--markdown FILE]

Every row (a case, a method, how much telemetry it may use) runs in a process of its own, so that time and
memory are its own, and is kept under build/bench/localization/ with the hash of the code that made it: a
broken run goes on where it stopped, and a changed engine is measured again.

* `cases`: what a case is; `sources` (real), `worlds` (rendered), `modalities` (real photos seen otherwise).
* `engine` (RS Copilot), `dense`, `sift`, `retriever` (the methods beside it).
* `runner` and `store` (rows), `report` and `plots` (what is published).
"""
