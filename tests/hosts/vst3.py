"""Loads the built VST3 in a host that is not ours (pedalboard) and says what it saw. Usage: vst3.py BUNDLE

Ends with an error where the plugin does not pass sound bit for bit, does not take its own state back, or does not come
and go. Run by tests/e2e/plugin_vst3.rs.
"""

import sys

import numpy
from pedalboard import load_plugin


def sound(rate_hz: int, channels: int) -> numpy.ndarray:
    noise = numpy.random.default_rng(rate_hz + channels)
    block = noise.uniform(-1.0, 1.0, (channels, rate_hz // 2)).astype(numpy.float32)
    block[0, 5:9] = [1e-40, -0.0, 1e6, -1e6]
    return block


def untouched(plugin, rate_hz: int, channels: int, block_frames: int) -> None:
    given = sound(rate_hz, channels)
    got = plugin.process(given, rate_hz, buffer_size=block_frames, reset=False)
    what = f"{rate_hz} Hz, {channels} channels, blocks of {block_frames}"
    assert got.shape == given.shape, f"{what}: {got.shape} came out"
    assert numpy.array_equal(got.view(numpy.int32), given.view(numpy.int32)), f"{what}: changed"


def main(bundle: str) -> None:
    plugin = load_plugin(bundle)
    assert plugin.name == "Tributary", plugin.name
    assert not plugin.is_instrument
    for rate_hz in (44_100, 48_000, 96_000, 192_000):
        for block_frames in (1, 17, 64, 4096):
            untouched(plugin, rate_hz, 2, block_frames)
    print("stereo passes bit for bit")

    state = plugin.raw_state
    other = load_plugin(bundle)
    other.raw_state = state
    assert other.raw_state == state, "the state came back changed"
    untouched(other, 48_000, 2, 512)
    for damaged in (b"", b"nothing of ours", state[: len(state) // 2]):
        other.raw_state = damaged
        untouched(other, 48_000, 2, 512)
    print(f"a state of {len(state)} bytes comes back as it was; damaged ones do no harm")

    for _ in range(20):
        untouched(load_plugin(bundle), 48_000, 2, 512)
    print("20 came and went")


main(sys.argv[1])
