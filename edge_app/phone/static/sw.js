// Keeps the page of one hash, and answers from it alone. A page of another hash is not taken: the old one goes on.
const HASH = "PAGE_HASH";
const CACHE = `cxr-phone-${HASH}`;

self.addEventListener("install", (event) => event.waitUntil(take()));
self.addEventListener("activate", (event) => event.waitUntil(dropOthers()));
self.addEventListener("fetch", (event) => {
  if (event.request.method === "GET") event.respondWith(kept(event.request)); // not a film for the kiosk
});

async function take() {
  const page = await fetch("./", { cache: "no-store" });
  const content = await page.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const got = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (got !== HASH) throw new Error(`the page has the SHA-256 ${got}, expected ${HASH}`);
  const cache = await caches.open(CACHE);
  await cache.put("./", new Response(content, { headers: { "content-type": "text/html; charset=utf-8" } }));
  await cache.addAll(["manifest.webmanifest", "icon.svg"]);
  await self.skipWaiting();
}

async function dropOthers() {
  for (const name of await caches.keys()) if (name.startsWith("cxr-phone-") && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
}

async function kept(request) {
  const cache = await caches.open(CACHE);
  const isPage = request.mode === "navigate";
  return (await cache.match(isPage ? "./" : request)) ?? new Response("", { status: 404 });
}
