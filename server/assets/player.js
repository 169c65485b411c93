// Plays all stems together: one clock for all, the slider or a click on a waveform goes there, solo and mute.
const player = document.querySelector("[data-player]");
if (player) {
  const stems = [...player.querySelectorAll("[data-stem]")].map((row) => ({
    row,
    audio: row.querySelector("audio"),
    wave: row.querySelector("[data-wave]"),
    solo: row.querySelector("[data-solo]"),
    mute: row.querySelector("[data-mute]"),
  }));
  const play = player.querySelector("[data-play]");
  const clock = player.querySelector("[data-clock]");
  const seek = player.querySelector("[data-seek]");
  const leader = stems[0].audio;
  const together = 0.05; // seconds that stems may be apart
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  const time = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const show = (now) => {
    const part = now / (leader.duration || 1);
    clock.textContent = time(now);
    seek.value = Math.round(part * seek.max);
    seek.setAttribute("aria-valuetext", `${time(now)} of ${time(leader.duration || 0)}`);
    for (const stem of stems) stem.head.style.left = `${100 * part}%`;
  };
  // Nothing of a file is loaded before somebody wants to hear it: how long it is, is not known until then.
  const go = async (part) => {
    if (!leader.duration) {
      const known = new Promise((done) => leader.addEventListener("loadedmetadata", done, { once: true }));
      for (const stem of stems) stem.audio.preload = "metadata";
      leader.load();
      await known;
    }
    const at = part * leader.duration;
    for (const stem of stems) stem.audio.currentTime = at;
    show(at);
  };
  const hear = () => {
    const soloed = stems.some((stem) => pressed(stem.solo));
    for (const stem of stems) stem.audio.muted = pressed(stem.mute) || (soloed && !pressed(stem.solo));
  };
  player.querySelector(".transport").hidden = false;
  for (const stem of stems) {
    stem.audio.controls = false;
    for (const button of [stem.solo, stem.mute]) {
      button.hidden = false;
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        button.setAttribute("aria-pressed", String(!pressed(button)));
        hear();
      });
    }
    const head = document.createElement("i");
    stem.wave.append(head);
    stem.head = head;
    stem.wave.addEventListener("click", (event) => {
      const box = stem.wave.getBoundingClientRect();
      go((event.clientX - box.left) / box.width);
    });
  }
  seek.addEventListener("input", () => go(seek.value / seek.max));
  play.addEventListener("click", async () => {
    if (leader.paused) {
      await Promise.all(stems.map((stem) => stem.audio.play()));
      play.textContent = "Pause";
    } else {
      for (const stem of stems) stem.audio.pause();
      play.textContent = "Play all";
    }
  });
  leader.addEventListener("timeupdate", () => {
    const now = leader.currentTime;
    for (const stem of stems) if (Math.abs(stem.audio.currentTime - now) > together) stem.audio.currentTime = now;
    show(now);
  });
  leader.addEventListener("ended", () => { play.textContent = "Play all"; });
}
