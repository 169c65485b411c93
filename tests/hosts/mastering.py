"""Two recordings to be matched, the program matchering on them, and how far two results are apart.

python mastering.py pair SONG SECONDS TARGET REFERENCE | match TARGET REFERENCE OUT [PLAIN] | compare OURS THEIRS

`match` runs the program as it comes; PLAIN is its result without its limiter. `compare` prints JSON. Run by
`cargo xtask bench`, each in a process of its own.
"""

import json
import os
import sys
from pathlib import Path

# Least for the other program: more threads than one only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import soundfile as sf

FIXTURES = Path(__file__).parents[2] / "models/tests/fixtures"


def pair(song, seconds, target, reference):
    """The song again and again: once dull, narrow and quiet, once bright, wide and driven, 7 s further on."""
    sound, rate = sf.read(song, always_2d=True)
    frames = int(seconds) * rate
    sound = np.tile(sound, (frames // len(sound) + 2, 1))

    def tilted(part, amount):
        return part + amount * (part - np.roll(part, 1, axis=0))

    dull = tilted(sound[:frames], -0.35)
    bright = tilted(sound[7 * rate : 7 * rate + frames], 0.6)
    sf.write(target, 0.4 * (0.8 * dull + 0.2 * dull[:, ::-1]), rate, subtype="PCM_16")
    sf.write(reference, 0.95 * np.tanh(2.0 * (1.1 * bright - 0.1 * bright[:, ::-1])), rate, subtype="PCM_16")


def match(target, reference, out, plain=None):
    import matchering

    results = [matchering.Result(out, "FLOAT", use_limiter=True)]
    if plain:
        results.append(matchering.Result(plain, "FLOAT", use_limiter=False, normalize=False))
    matchering.process(target=target, reference=reference, results=results)


def compare(ours, theirs):
    sys.path.insert(0, str(FIXTURES))
    from make_master import rms_db, third_octaves

    (ours, rate), (theirs, _) = sf.read(ours, always_2d=True), sf.read(theirs, always_2d=True)
    bands = zip(third_octaves(ours, rate), third_octaves(theirs, rate))
    worst = max(abs(a - b) for (_, a), (_, b) in bands)
    print(json.dumps({"worst_band_db": worst, "ours_rms_db": rms_db(ours), "theirs_rms_db": rms_db(theirs)}))


if __name__ == "__main__":
    {"pair": pair, "match": match, "compare": compare}[sys.argv[1]](*sys.argv[2:])
