#!/usr/bin/env python3
"""Makes the demo song: renders the score, sings the lead, mixes, and writes the stems, their exact sum and the MIDI.

usage: make.py [OUT_FOLDER]      (Debian: fluidsynth fluid-soundfont-gm espeak-ng sox ffmpeg python3-mido, soundfile)
"""
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import soundfile

sys.dont_write_bytecode = True
import score
import voice

RATE = 44_100
SECONDS = 21.0
SEED = 20
SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
STEMS = ("vocals", "drums", "bass", "other")
# LUFS of each stem before all of them are moved together to the loudness of the mixture.
BALANCE = {"vocals": -17.5, "drums": -19.0, "bass": -20.5, "other": -22.5}
LOUDNESS = -15.0
# Stems are rounded to every 16th value of the 16-bit grid: noise at -77 dBFS, 60 dB below the song, and FLAC files
# half as large, which is what a repository can carry.
STEP = 16
# For the same reason the highs fade out, Hz: cymbals are noise up there, and noise does not compress.
HIGHS = (10_000, 16_000)


def rendered(notes, reverb=True):
    """Float samples [frames, 2] of some parts, played by FluidSynth."""
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = pathlib.Path(folder) / "part.mid", pathlib.Path(folder) / "part.wav"
        score.midi(notes).save(midi)
        command = ["fluidsynth", "-ni", "-q", "-F", wav, "-O", "float", "-T", "wav", "-r", str(RATE), "-g", "0.4"]
        command += ["-R", "1" if reverb else "0", "-C", "0", SOUNDFONT, midi]
        subprocess.run(command, check=True, capture_output=True)
        return fitted(soundfile.read(wav, dtype="float64")[0])


def fitted(samples):
    """Cut or filled with silence to the song's length, faded out over the last second."""
    frames = int(SECONDS * RATE)
    out = np.zeros((frames, 2))
    out[: min(frames, len(samples))] = samples[:frames]
    out[-RATE:] *= np.linspace(1, 0, RATE)[:, None] ** 2
    return out


def soft_highs(samples):
    """The same without what lies above HIGHS, faded as a raised cosine."""
    low, high = HIGHS
    part = np.clip((high - np.fft.rfftfreq(len(samples), 1 / RATE)) / (high - low), 0, 1)
    gain = 0.5 - 0.5 * np.cos(np.pi * part)
    return np.fft.irfft(np.fft.rfft(samples, axis=0) * gain[:, None], len(samples), axis=0)


def lead_line(rng):
    """The sung melody [frames, 2], dry in the middle with a room around it."""
    line = np.zeros(int((SECONDS + 2) * RATE))
    before = score.LEAD[0][2]
    for beat, beats, pitch, syllable in score.LEAD:
        sound, lead_in = voice.sung(syllable, pitch, before, score.seconds(beats), RATE, rng)
        start = max(0, round(score.seconds(beat) * RATE) - lead_in)
        sound = sound[: len(line) - start] / np.sqrt(np.mean(sound**2))
        line[start : start + len(sound)] += sound
        before = pitch
    return fitted(with_room(np.stack([line, line], 1) * 0.05))


def with_room(samples):
    """The same with sox's reverberation."""
    with tempfile.TemporaryDirectory() as folder:
        dry, wet = pathlib.Path(folder) / "dry.wav", pathlib.Path(folder) / "wet.wav"
        soundfile.write(dry, samples, RATE, subtype="FLOAT")
        subprocess.run(["sox", dry, wet, "equalizer", "4200", "1.2q", "-5", "reverb", "28", "50", "70", "100", "15", "-3"], check=True)
        return soundfile.read(wet, dtype="float64")[0]


def loudness(samples):
    """Integrated LUFS (ITU-R BS.1770-4), as ffmpeg measures it."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.wav"
        soundfile.write(path, samples, RATE, subtype="FLOAT")
        command = ["ffmpeg", "-hide_banner", "-nostats", "-i", path, "-af", "ebur128", "-f", "null", "-"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", said)[-1])


def stems(rng):
    """name -> [frames, 2], balanced against each other."""
    notes = score.all_notes(SEED)
    part = lambda stem: {name: notes[name] for name, place in score.PARTS.items() if place[0] == stem}
    sung = lead_line(rng)
    choir = rendered(part("vocals"))
    choir *= 0.15 * np.sqrt(np.mean(sung**2) / np.mean(choir**2))
    out = {
        "vocals": sung + choir,
        "drums": rendered(part("drums")),
        "bass": rendered(part("bass"), reverb=False),
        "other": rendered(part("other")),
    }
    for name, samples in out.items():
        samples *= 10 ** ((BALANCE[name] - loudness(samples)) / 20)
        # A soft limiter keeps drum hits from deciding how loud the whole song can be.
        ceiling = 0.45
        out[name] = soft_highs(ceiling * np.tanh(samples / ceiling))
    return out


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    parts = stems(np.random.default_rng(SEED))
    gain = 10 ** ((LOUDNESS - loudness(sum(parts.values()))) / 20)
    # Whole numbers, so that the mixture is the sum of the stems to the last bit.
    whole = {name: (np.round(samples * gain * 32768 / STEP) * STEP).astype(np.int32) for name, samples in parts.items()}
    whole["mixture"] = sum(whole[name] for name in STEMS)
    for name, samples in whole.items():
        peak = int(np.abs(samples).max())
        assert peak < 32767, f"{name} clips: {peak}"
        soundfile.write(folder / f"{name}.flac", samples.astype(np.int16), RATE, subtype="PCM_16", compression_level=1.0)
        size = (folder / f"{name}.flac").stat().st_size
        print(f"{name:8} peak {20 * np.log10(peak / 32768):6.2f} dBFS  {loudness(samples / 32768):6.1f} LUFS  {size / 1e6:.2f} MB")
    score.midi(score.all_notes(SEED)).save(folder / "song.mid")


if __name__ == "__main__":
    main()
