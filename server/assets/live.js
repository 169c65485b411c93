// Shows how far a job is, and loads the page again when it has ended.
const box = document.getElementById("live");
if (box) {
  const words = document.getElementById("words");
  const bar = document.getElementById("progress");
  const source = new EventSource(box.dataset.live);
  source.onmessage = (event) => {
    const job = JSON.parse(event.data);
    words.textContent = job.words;
    bar.max = job.of;
    bar.value = job.done;
    if (job.ended) {
      source.close();
      location.reload();
    }
  };
}
