// One sound at a time: starting another stops the first and, within one job, goes on from the same place, so that a stem
// and its clip can be compared at a click. A click into a picture moves that place.
const everyPlayer = [...document.querySelectorAll("audio")];

document.querySelectorAll("article").forEach((article) => {
  const sections = [...article.querySelectorAll("section")];
  const players = sections.map((section) => section.querySelector("audio"));
  let place = 0;

  const showPlace = (index) => {
    const seconds = players[index].duration || 1;
    sections[index].querySelector(".head-line").style.left = `${(100 * players[index].currentTime) / seconds}%`;
  };

  players.forEach((player, index) => {
    const section = sections[index];
    player.addEventListener("play", () => {
      everyPlayer.forEach((other) => {
        if (other === player || other.paused) return;
        if (players.includes(other)) place = other.currentTime;
        other.pause();
      });
      if (place && Math.abs(player.currentTime - place) > 0.05) player.currentTime = place;
      section.classList.add("playing");
      const follow = () => { showPlace(index); if (!player.paused) { place = player.currentTime; requestAnimationFrame(follow); } };
      follow();
    });
    player.addEventListener("pause", () => section.classList.remove("playing"));
    player.addEventListener("ended", () => { place = 0; });
    player.addEventListener("seeked", () => { if (!player.paused) place = player.currentTime; showPlace(index); });
    section.querySelector(".pictures").addEventListener("click", (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      place = ((event.clientX - box.left) / box.width) * (player.duration || 0);
      player.currentTime = place;
      section.classList.add("placed");
      player.play();
    });
  });
});
