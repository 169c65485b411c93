// Plays all stems together: one clock for all, a click on a waveform goes there, solo and mute.
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
  const leader = stems[0].audio;
  const together = 0.05; // seconds that stems may be apart
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
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
      const at = ((event.clientX - box.left) / box.width) * (leader.duration || 0);
      for (const each of stems) each.audio.currentTime = at;
    });
  }
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
    clock.textContent = `${Math.floor(now / 60)}:${String(Math.floor(now % 60)).padStart(2, "0")}`;
    for (const stem of stems) {
      if (Math.abs(stem.audio.currentTime - now) > together) stem.audio.currentTime = now;
      stem.head.style.left = `${(100 * now) / (leader.duration || 1)}%`;
    }
  });
  leader.addEventListener("ended", () => { play.textContent = "Play all"; });
}
