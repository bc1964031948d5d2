"""How quickly and how faithfully galleries of 10^5 and 10^6 tiles are searched, and what they take.

    python -m benchmarks.galleries pool [--data FOLDER] [--tiles 250000]
    python -m benchmarks.galleries kinds [--sizes 100000,1000000] [--threads 2] [--markdown FILE]
    python -m benchmarks.galleries whole [--sizes 100000,1000000] [--threads 2] [--markdown FILE]

``pool`` embeds real ground: squares of the shared rasters at random places, sizes and quarter turns, and
views of some of it as another camera would have taken them, which are the queries. ``kinds`` compares ways
to search. ``whole`` writes galleries with the engine and measures what a user gets: time and memory of
writing, opening and searching.
"""
