"""The notes of the demo song, as data: who plays what, when, how loud. Writes MIDI, makes no sound.

Times are quarter-note beats from the start; a note is (beat, beats, MIDI pitch, velocity).
"""
import mido
import numpy as np

BPM = 104
BEATS_A_BAR = 4
BARS = 9
TICKS_A_BEAT = 480
KEY = "Am"

# (root of the bass, tones of the chord), one a bar: i VI III VII | i VI iv V | i
CHORDS = [
    (33, (57, 60, 64)), (29, (57, 60, 65)), (36, (55, 60, 64)), (31, (55, 59, 62)),
    (33, (57, 60, 64)), (29, (57, 60, 65)), (38, (57, 62, 65)), (28, (56, 59, 64)),
    (33, (57, 60, 64)),
]

# (beat, beats, pitch, syllable). Words are our own.
LEAD = [
    (0.5, 0.5, 57, "all"), (1.0, 0.5, 59, "the"), (1.5, 1.0, 60, "small"), (2.5, 1.25, 64, "streams"),
    (4.0, 0.75, 62, "run"), (4.75, 0.75, 60, "to"), (5.5, 2.0, 57, "one"),
    (8.5, 0.5, 55, "song"), (9.0, 0.5, 60, "that"), (9.5, 1.0, 62, "turns"), (10.5, 0.75, 64, "bee"),
    (11.25, 0.75, 62, "neath"), (12.0, 0.75, 59, "the"), (12.75, 2.25, 62, "sun"),
    (16.5, 0.5, 57, "hear"), (17.0, 0.5, 59, "the"), (17.5, 0.75, 60, "waugh"), (18.25, 0.75, 64, "ter"),
    (19.0, 1.0, 65, "call"), (20.0, 0.75, 64, "my"), (20.75, 2.25, 60, "name"),
    (24.5, 0.5, 62, "none"), (25.0, 0.5, 62, "that"), (25.5, 1.0, 65, "leave"), (26.5, 0.75, 64, "ree"),
    (27.25, 0.75, 62, "turn"), (28.0, 0.75, 59, "the"), (28.75, 2.25, 56, "same"), (32.0, 3.0, 57, "home"),
]

KICK, SNARE, SIDE_STICK, CLOSED_HAT, OPEN_HAT, CRASH, RIDE = 36, 38, 37, 42, 46, 49, 51
TOMS = (50, 47, 45, 41)


def seconds(beat):
    """Seconds from the start to a beat."""
    return beat * 60 / BPM


def played(notes, rng, late_beats=0.012, loud=5):
    """The same notes as a person plays them: a little early or late, a little louder or softer."""
    return [
        (max(0.0, beat + rng.uniform(-late_beats, late_beats)), beats, pitch, int(np.clip(velocity + rng.normal(0, loud), 20, 125)))
        for beat, beats, pitch, velocity in notes
    ]


def drums(rng):
    """Kick, snare and hats; a fill at the end of each four bars, a crash after it."""
    notes = []
    for bar in range(BARS - 1):
        at, fill = bar * BEATS_A_BAR, bar % 4 == 3
        kicks = (0, 1.75, 2.5) if bar % 2 else (0, 2.5)
        notes += [(at + beat, 0.2, KICK, 112) for beat in kicks]
        notes += [(at + beat, 0.2, SNARE, 108) for beat in ((1,) if fill else (1, 3))]
        if not fill:
            notes += [(at + beat, 0.1, SNARE, 40) for beat in (1.75, 3.75)]
        for half in range(4 if fill else 8):
            open_hat = half == 7 and bar % 2 == 1
            notes.append((at + half / 2, 0.1, OPEN_HAT if open_hat else CLOSED_HAT, 84 if half % 2 == 0 else 62))
        if bar % 4 == 0:
            notes.append((at, 1, CRASH, 92))
        if fill:
            notes += [(at + 2 + step / 4, 0.2, TOMS[step // 2], 88 + 3 * step) for step in range(8)]
    last = (BARS - 1) * BEATS_A_BAR
    return played(notes + [(last, 1, CRASH, 100), (last, 0.2, KICK, 116)], rng)


def bass(rng):
    """Root, octave and fifth with the kick, and a step into the next chord."""
    notes = []
    for bar, (root, _) in enumerate(CHORDS[:-1]):
        at, following = bar * BEATS_A_BAR, CHORDS[bar + 1][0]
        notes += [(at, 1.3, root, 104), (at + 1.5, 0.45, root, 84), (at + 2.5, 0.9, root, 100)]
        notes.append((at + 2, 0.4, root + 12 if bar % 2 else root + 7, 86))
        notes.append((at + 3.5, 0.45, following + (2 if following < root else -1), 88))
    last = (BARS - 1) * BEATS_A_BAR
    return played(notes + [(last, 3.2, CHORDS[-1][0], 104)], rng)


def piano(rng):
    """Electric piano: the chord on one, and pushed before three and four."""
    notes = []
    for bar, (_, tones) in enumerate(CHORDS[:-1]):
        for beat, beats, velocity in ((0, 1.4, 84), (1.5, 0.9, 72), (3, 0.9, 76)):
            notes += [(bar * BEATS_A_BAR + beat, beats, tone, velocity) for tone in tones]
    last = (BARS - 1) * BEATS_A_BAR
    return played(notes + [(last, 3.5, tone, 84) for tone in CHORDS[-1][1]], rng)


def guitar(rng):
    """Steel guitar: broken chords in eighths, an octave up."""
    notes = []
    for bar, (_, tones) in enumerate(CHORDS[:-1]):
        up = (*tones, tones[0] + 12)
        for half, tone in enumerate((0, 1, 2, 3, 2, 1, 2, 1)):
            notes.append((bar * BEATS_A_BAR + half / 2, 0.8, up[tone] + 12, 78 if half % 2 == 0 else 66))
    last = (BARS - 1) * BEATS_A_BAR
    strum = [(last + 0.04 * index, 3.4, tone + 12, 80) for index, tone in enumerate(CHORDS[-1][1])]
    return played(notes, rng) + strum


def strings(rng):
    """Strings hold the chord from the fifth bar."""
    notes = []
    for bar, (_, tones) in enumerate(CHORDS):
        if bar >= 4:
            notes += [(bar * BEATS_A_BAR, 3.9, tone + 12, 58) for tone in tones[:2]]
    return played(notes, rng, late_beats=0.0)


def lead():
    """The melody as written; the singer scoops into its notes and lets them fall."""
    return [(beat, beats, pitch, 100) for beat, beats, pitch, _ in LEAD]


def harmony():
    """A second voice in the second half: the chord tone below the melody's long notes."""
    notes = []
    for beat, beats, pitch, _ in LEAD:
        if beat >= 16 and beats >= 1.0:
            tones = CHORDS[int(beat // BEATS_A_BAR)][1]
            below = max(tone - 12 * down for tone in tones for down in (0, 1) if tone - 12 * down < pitch - 2)
            notes.append((beat, beats, below, 80))
    return notes


# name -> (stem, channel, General MIDI program, pan 0..127, volume 0..127, reverb 0..127)
PARTS = {
    "lead": ("vocals", 0, 53, 64, 90, 40),
    "harmony": ("vocals", 1, 52, 64, 80, 50),
    "drums": ("drums", 9, 0, 64, 110, 12),
    "bass": ("bass", 2, 33, 64, 110, 4),
    "electric piano": ("other", 3, 4, 40, 100, 30),
    "steel guitar": ("other", 4, 25, 92, 92, 35),
    "strings": ("other", 5, 48, 64, 80, 50),
}


def all_notes(seed):
    """name -> notes, the same for the same seed."""
    rng = np.random.default_rng(seed)
    return {
        "lead": lead(), "harmony": harmony(), "drums": drums(rng), "bass": bass(rng),
        "electric piano": piano(rng), "steel guitar": guitar(rng), "strings": strings(rng),
    }


def track(name, notes):
    """One MIDI track with its program, place and reverb."""
    _, channel, program, pan, volume, reverb = PARTS[name]
    out = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    if channel != 9:
        out.append(mido.Message("program_change", program=program, channel=channel))
    for control, value in ((7, volume), (10, pan), (91, reverb)):
        out.append(mido.Message("control_change", control=control, value=value, channel=channel))
    events = []
    for beat, beats, pitch, velocity in notes:
        events.append((round(beat * TICKS_A_BEAT), 1, pitch, velocity))
        events.append((round((beat + beats) * TICKS_A_BEAT), 0, pitch, 0))
    now = 0
    # At one tick the ends come before the starts, so that a repeated note sounds again.
    for tick, on, pitch, velocity in sorted(events):
        kind = "note_on" if on else "note_off"
        out.append(mido.Message(kind, note=pitch, velocity=velocity, channel=channel, time=tick - now))
        now = tick
    return out


def midi(notes):
    """A MIDI file of these parts, with tempo, metre and key."""
    head = mido.MidiTrack([
        mido.MetaMessage("track_name", name="Every Stream"),
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(BPM)),
        mido.MetaMessage("time_signature", numerator=BEATS_A_BAR, denominator=4),
        mido.MetaMessage("key_signature", key=KEY),
    ])
    return mido.MidiFile(ticks_per_beat=TICKS_A_BEAT, tracks=[head, *(track(name, part) for name, part in notes.items())])
