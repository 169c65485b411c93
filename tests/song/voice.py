"""A singer: takes syllables spoken by espeak-ng apart into envelope and breath, and sounds them on given pitches.

The envelope of the spoken syllable is kept (so the words stay), its pitch is thrown away, its vowel is held for
as long as the note lasts. Harmonic-plus-noise synthesis; nothing here knows the score.
"""
import pathlib
import subprocess
import tempfile

import numpy as np
import soundfile

VOICE = "en-us+f2"
FFT = 2048
HOP_SECONDS = 0.005
HARMONICS_MAX_HZ = 10_000
# Set so that an "s" is about 10 dB below the vowel after it, as espeak-ng speaks it.
BREATH = 2000


def spoken(syllable):
    """Samples and rate of one syllable, silence cut off."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "syllable.wav"
        subprocess.run(["espeak-ng", "-v", VOICE, "-s", "110", "-p", "40", "-w", path, syllable], check=True)
        samples, rate = soundfile.read(path, dtype="float64")
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1], rate


def analyse(samples, rate):
    """Envelopes [frames, bins] as amplitude and voicing [frames] in 0..1, one frame each 5 ms."""
    hop, half = round(HOP_SECONDS * rate), FFT // 2
    padded = np.pad(samples, half)
    starts = range(0, len(samples), hop)
    frames = np.stack([padded[start : start + FFT] for start in starts]) * np.hanning(FFT)
    # Voicing: the height of the autocorrelation's peak between 80 and 400 Hz.
    short = np.stack([padded[start + half - 512 : start + half + 512] for start in starts]) * np.hanning(1024)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(short, 2048)) ** 2)
    lags = slice(rate // 400, rate // 80)
    voicing = np.clip((correlation[:, lags].max(1) / (correlation[:, 0] + 1e-9) - 0.25) / 0.3, 0, 1)
    # Envelope: the log spectrum without its fine structure (cepstrum below 2.2 ms), Oppenheim & Schafer.
    log = np.log(np.abs(np.fft.rfft(frames)) + 1e-5)
    cepstrum = np.fft.irfft(log)
    keep = int(0.0022 * rate)
    cepstrum[:, keep : FFT - keep + 1] = 0
    return np.exp(np.fft.rfft(cepstrum).real), voicing


def vowel(envelopes, voicing):
    """First and last frame of the vowel: voiced, and at most 5 dB below the loudest frame."""
    level = np.sqrt((envelopes**2).sum(1)) * (voicing > 0.5)
    peak = int(level.argmax())
    low = high = peak
    while low > 0 and level[low - 1] > 0.56 * level[peak]:
        low -= 1
    while high + 1 < len(level) and level[high + 1] > 0.56 * level[peak]:
        high += 1
    return low, high


def held(envelopes, voicing, seconds):
    """Frames that last `seconds` from the vowel on; returns them and how many frames come before the vowel."""
    low, high = vowel(envelopes, voicing)
    tail = len(voicing) - 1 - high
    wanted = max(4, round(seconds / HOP_SECONDS) - min(tail, 24))
    # Forth and back through the middle of the vowel: a held vowel that still moves.
    middle = np.linspace(low, high, wanted)
    place = np.concatenate([np.arange(low), middle, np.arange(high + 1, high + 1 + tail)])
    left = np.floor(place).astype(int)
    right, part = np.minimum(left + 1, len(voicing) - 1), place - left
    blend = envelopes[left] * (1 - part[:, None]) + envelopes[right] * part[:, None]
    return blend, voicing[left] * (1 - part) + voicing[right] * part, low


def pitch_curve(count, lead_in, pitch, before, rng):
    """Hertz for each frame: from the note before through a scoop from below, vibrato, drift, and a fall at the end."""
    time = (np.arange(count) - lead_in) * HOP_SECONDS
    left = (count - np.arange(count)) * HOP_SECONDS
    slide = np.clip(before - pitch, -4, 4) * np.exp(-np.maximum(time + 0.05, 0) / 0.06)
    scoop = -1.8 * np.exp(-np.maximum(time, 0) / 0.07)
    fall = -1.4 * np.exp(-left / 0.08)
    vibrato = 0.7 * np.clip((time - 0.12) / 0.25, 0, 1) * np.sin(2 * np.pi * 5.6 * time)
    drift = np.cumsum(rng.normal(0, 0.02, count))
    return 440 * 2 ** ((pitch - 69 + slide + scoop + fall + vibrato + drift - drift.mean()) / 12)


def sung(syllable, pitch, before, seconds, rate_out, rng):
    """One syllable on one note. Returns samples and how many of them come before the vowel, that is the beat."""
    samples, rate = spoken(syllable)
    envelopes, voicing, lead_in = held(*analyse(samples, rate), seconds)
    hertz = pitch_curve(len(voicing), lead_in, pitch, before, rng)
    at = np.arange(int(len(voicing) * HOP_SECONDS * rate_out)) / (HOP_SECONDS * rate_out)
    frame = np.arange(len(voicing))
    phase = 2 * np.pi * np.cumsum(np.interp(at, frame, hertz)) / rate_out
    bins = np.arange(envelopes.shape[1]) * rate / FFT
    out = np.zeros(len(at))
    for harmonic in range(1, int(HARMONICS_MAX_HZ / hertz.min())):
        level = np.array([np.interp(harmonic * f, bins, envelope) for f, envelope in zip(hertz, envelopes)])
        level *= voicing * np.clip((HARMONICS_MAX_HZ - harmonic * hertz) / 1000, 0, 1) * np.sqrt(hertz)
        out += np.interp(at, frame, level) * np.cos(harmonic * phase + 0.7 * harmonic**1.5)
    out += breath(envelopes, voicing, rate, rate_out, len(at), rng)
    fade = round(0.01 * rate_out)
    out[:fade] *= np.linspace(0, 1, fade)
    out[-fade:] *= np.linspace(1, 0, fade)
    return out, round(lead_in * HOP_SECONDS * rate_out)


def breath(envelopes, voicing, rate, rate_out, count, rng):
    """Noise with the syllable's envelope: all of it where nothing is voiced, a trace where something is."""
    hop = round(HOP_SECONDS * rate_out)
    bins_out = np.arange(FFT // 2 + 1) * rate_out / FFT
    bins = np.arange(envelopes.shape[1]) * rate / FFT
    out = np.zeros(count + FFT)
    for index, (envelope, voiced) in enumerate(zip(envelopes, voicing)):
        gain = np.interp(bins_out, bins, envelope, right=0) * (1 - 0.98 * voiced)
        noise = np.fft.irfft(np.fft.rfft(rng.normal(0, 1, FFT)) * gain / np.sqrt(FFT)) * np.hanning(FFT)
        start = min(index * hop, count)
        out[start : start + FFT] += noise
    return out[FFT // 2 : FFT // 2 + count] * BREATH
