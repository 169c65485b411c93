"""Makes noisy.flac: speech.flac in the noise of a room with a fan and mains hum, at 3 dB.

pip install numpy soundfile
"""

import pathlib

import numpy as np
import soundfile

HERE = pathlib.Path(__file__).parent
SNR_DB = 3.0


def room(frames, rate_hz, rng):
    """Noise that falls by 3 dB an octave above 100 Hz, and hum at 50 Hz with its harmonics."""
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    hertz = np.fft.rfftfreq(frames, 1 / rate_hz)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 100.0)), frames)
    noise /= noise.std()
    time = np.arange(frames) / rate_hz
    hum = sum(np.sin(2 * np.pi * 50 * n * time + n) / n for n in range(1, 8))
    # A fan turns: the noise swells and falls a little.
    return noise * (1 + 0.2 * np.sin(2 * np.pi * 0.7 * time)) + 0.25 * hum


def main():
    speech, rate_hz = soundfile.read(HERE / "speech.flac")
    noise = room(len(speech), rate_hz, np.random.default_rng(1961))
    gain = np.sqrt((speech**2).sum() / (noise**2).sum()) * 10 ** (-SNR_DB / 20)
    soundfile.write(HERE / "noisy.flac", speech + gain * noise, rate_hz, subtype="PCM_16")


if __name__ == "__main__":
    main()
