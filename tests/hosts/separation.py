"""Published separation networks of full size with random weights, by their publishers' own code on PyTorch.

make NAME FOLDER [--depth N]   a checkpoint, its settings, and one chunk of sound, all from a fixed seed
time FOLDER CHUNKS             one chunk to warm up, then each chunk's seconds and the process's memory, one JSON line each
answer FOLDER                  what the publisher's code makes of the sound: stems, and of a roformer spectrum and masks
matmul                         one product of matrices of 2048 x 2048: its multiplications and additions, the least seconds

All numbers in files are raw 32-bit floats. Threads: TRIBUTARY_THREADS, else as many as there are processors.
"""

import importlib.util
import json
import os
import pickle
import sys
import time
import types
from fractions import Fraction
from pathlib import Path

import torch

RATE = 44100
SEED = 20
ROFORMER = dict(
    stereo=True, num_stems=1, time_transformer_depth=1, freq_transformer_depth=1, dim_head=64, heads=8, attn_dropout=0.0,
    ff_dropout=0.0, flash_attn=True, dim_freqs_in=1025, stft_n_fft=2048, stft_hop_length=441, stft_win_length=2048,
    stft_normalized=False, mask_estimator_depth=2)
BANDS = (2,) * 24 + (4,) * 12 + (12,) * 8 + (24,) * 8 + (48,) * 8 + (128, 129)
SETTINGS = {
    "bs-roformer": dict(dim=512, depth=12, freqs_per_bands=BANDS, **ROFORMER),
    "mel-band-roformer": dict(dim=384, depth=6, num_bands=60, linear_transformer_depth=0, sample_rate=RATE, **ROFORMER),
    # As published: four stems, and the large one of "XL IHF".
    "htdemucs": dict(
        sources=["drums", "bass", "other", "vocals"], samplerate=RATE, segment=Fraction(39, 5), channels=48, nfft=4096,
        depth=4, bottom_channels=512, dconv_mode=3, dconv_comp=8, t_layers=5, t_heads=8, t_hidden_scale=4.0),
    "scnet": dict(
        sources=["drums", "bass", "other", "vocals"], audio_channels=2, dims=[4, 64, 128, 256], nfft=4096, hop_size=1024,
        win_size=4096, normalized=True, band_SR=[0.230, 0.370, 0.400], band_stride=[1, 4, 16], band_kernel=[3, 4, 16],
        conv_depths=[3, 2, 1], compress=4, conv_kernel=3, num_dplayer=8, expand=1),
}
CHUNK = {"bs-roformer": 352800, "mel-band-roformer": 352800, "htdemucs": RATE * 39 // 5, "scnet": 485100}


def classes(name):
    """The publisher's class. Packages that only other networks of theirs want need not be there."""
    if name == "bs-roformer":
        from bs_roformer import BSRoformer

        return BSRoformer
    if name == "mel-band-roformer":
        from bs_roformer import MelBandRoformer

        return MelBandRoformer
    if name == "htdemucs":
        for missing in ("openunmix", "openunmix.filtering", "julius", "omegaconf", "dora", "dora.log"):
            sys.modules.setdefault(missing, types.ModuleType(missing))
        sys.modules["openunmix.filtering"].wiener = None
        sys.modules["omegaconf"].OmegaConf = sys.modules["dora.log"].fatal = None
        from demucs.htdemucs import HTDemucs

        return HTDemucs
    # Only the two files of this network: the rest of its package needs many others.
    package = importlib.util.find_spec("msst")
    if package is None:
        raise ModuleNotFoundError("msst")
    for part in ("separation", "scnet"):
        path = Path(list(package.submodule_search_locations)[0]) / "models" / "scnet" / f"{part}.py"
        spec = importlib.util.spec_from_file_location(f"scnet_parts.{part}", path)
        module = importlib.util.module_from_spec(spec)
        module.__package__ = "scnet_parts"
        sys.modules[f"scnet_parts.{part}"] = module
        spec.loader.exec_module(module)
    return sys.modules["scnet_parts.scnet"].SCNet


def randomize(model):
    """Every part must matter: norms near one, everything else large enough to be heard and small enough not to explode."""
    for key, value in model.named_parameters():
        last = key.split(".")[-1]
        if last == "freqs":
            continue
        if last == "gamma" or (value.ndim == 1 and last == "weight"):
            value.copy_(1 + 0.2 * torch.randn_like(value))
        elif last == "scale":
            value.copy_(0.5 + 0.2 * torch.randn_like(value))
        elif "freq_emb" in key:
            value.copy_(0.1 * torch.randn_like(value))
        elif value.ndim == 1:
            value.copy_(0.3 * torch.randn_like(value))
        else:
            value.copy_(torch.randn_like(value) * value[0].numel() ** -0.5)


def written(value):
    """A setting as YAML."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(written(item) for item in value) + "]"
    return json.dumps(float(value) if isinstance(value, Fraction) else value)


def make(name, folder, depth):
    folder.mkdir(parents=True, exist_ok=True)
    settings = dict(SETTINGS[name])
    if depth:
        settings["depth" if "depth" in settings and "roformer" in name else "num_dplayer"] = depth
    torch.manual_seed(SEED)
    model = classes(name)(**settings)
    with torch.no_grad():
        randomize(model)
    # Stored in half precision, and the model is what was stored.
    model.half().float().eval()
    state = {key: value.half() for key, value in model.state_dict().items()}
    if name == "htdemucs":
        args, kwargs = model._init_args_kwargs
        state = {"klass": type(model), "args": args, "kwargs": kwargs, "state": state, "training_args": {}}
    torch.save(state, folder / "checkpoint.pt")
    model_settings = dict(settings, zero_dc=False) if name == "bs-roformer" else settings
    lines = ["audio:", f"  chunk_size: {CHUNK[name]}", f"  sample_rate: {RATE}", "  num_channels: 2", "model:"]
    lines += [f"  {key}: {written(value)}" for key, value in model_settings.items()]
    stems = settings.get("sources", ["vocals"])
    target = "vocals" if len(stems) == 1 else "null"
    lines += ["training:", f"  instruments: {written(stems)}", f"  target_instrument: {target}"]
    lines += ["inference:", "  num_overlap: 1", "  batch_size: 1"]
    (folder / "settings.yaml").write_text("\n".join(lines) + "\n")
    (folder / "settings.pickle").write_bytes(pickle.dumps((name, settings)))
    write(folder / "sound.raw", sound(name))


def sound(name):
    """One chunk, `[2][frames]`: noise and a sweep."""
    frames = CHUNK[name]
    torch.manual_seed(SEED + 1)
    at = torch.arange(frames, dtype=torch.float64) / RATE
    sweep = 0.3 * torch.sin(2 * torch.pi * (100 + 600 * at) * at)
    return (0.1 * torch.randn(2, frames, dtype=torch.float64) + torch.stack([sweep, -0.5 * sweep])).float()


def write(path, numbers):
    path.write_bytes(numbers.detach().contiguous().numpy().astype("<f4").tobytes())


def load(folder):
    name, settings = pickle.loads((folder / "settings.pickle").read_bytes())
    model = classes(name)(**settings)
    state = torch.load(folder / "checkpoint.pt", weights_only=False)
    model.load_state_dict(state.get("state", state))
    return name, model.float().eval()


def memory():
    """MiB: now, and the most so far."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return [int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")]


def measure(folder, chunks):
    name, model = load(folder)
    chunk = sound(name)[None]
    for what in ["load"] + ["chunk"] * chunks:
        began, used = time.monotonic(), time.process_time()
        with torch.inference_mode():
            model(chunk)
        seconds, cpu_seconds = time.monotonic() - began, time.process_time() - used
        now, most = memory()
        print(
            json.dumps(dict(what=what, seconds=seconds, cpu_seconds=cpu_seconds, mib=now, most_mib=most)), flush=True)


def answer(folder):
    name, model = load(folder)
    heard = {}
    if "roformer" in name:
        model.band_split.register_forward_pre_hook(lambda _, given: heard.update(spectrum=given[0]))
        for stem, estimator in enumerate(model.mask_estimators):
            estimator.register_forward_hook(lambda _, given, mask, stem=stem: heard.update({f"mask.{stem}": mask}))
    with torch.inference_mode():
        stems = model(sound(name)[None])
    write(folder / "stems.raw", stems)
    if heard:
        write(folder / "spectrum.raw", heard["spectrum"])
        write(folder / "masks.raw", torch.stack([heard[f"mask.{stem}"] for stem in range(len(model.mask_estimators))]))
    print(json.dumps(dict(rms=float(stems.square().mean().sqrt()))))


def matmul(size=2048, runs=12):
    a, b = torch.randn(size, size), torch.randn(size, size)
    seconds = cpu_seconds = float("inf")
    for _ in range(runs):
        began, used = time.monotonic(), time.process_time()
        a @ b
        seconds, cpu_seconds = min(seconds, time.monotonic() - began), min(cpu_seconds, time.process_time() - used)
    work = 2 * size**3
    print(json.dumps(dict(work=work, seconds=seconds, cpu_seconds=cpu_seconds)))


def main():
    torch.set_num_threads(int(os.environ.get("TRIBUTARY_THREADS", 0)) or os.cpu_count())
    task, *words = sys.argv[1:]
    if task == "make":
        make(words[0], Path(words[1]), int(words[3]) if words[2:3] == ["--depth"] else None)
    elif task == "time":
        measure(Path(words[0]), int(words[1]))
    elif task == "answer":
        answer(Path(words[0]))
    elif task == "matmul":
        matmul()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
