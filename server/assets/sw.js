// Keeps styles and scripts, never a page: what pages show is somebody's.
const SHELL = "shell-1";
const FILES = ["/style.css", "/brand.css", "/start.js", "/live.js", "/player.js", "/icon.svg"];
const OFFLINE = "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>No network</title><link rel=stylesheet href=/style.css>" +
  "<main><section class='narrow card'><h1>No network</h1><p>Jobs go on without you. Load the page again later.</p></section></main>";
self.addEventListener("install", (event) => event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES))));
self.addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (event.request.method !== "GET") return;
  if (FILES.includes(path)) {
    event.respondWith(fetch(event.request).catch(() => caches.match(path)));
  } else if (event.request.mode === "navigate") {
    const page = () => new Response(OFFLINE, { headers: { "content-type": "text/html" } });
    event.respondWith(fetch(event.request).catch(page));
  }
});
