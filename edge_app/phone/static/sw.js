// Keeps one page and answers from it alone. Another page is taken only if it has the SHA-256 that update.json names
// and is signed by the key that the kept page names; else the kept one goes on.
const CACHE = "cxr-phone", NAMESPACE = "cxr-phone-page", UPDATE_KEY = /<meta name="update-key" content="([^"]*)">/;

self.addEventListener("install", (event) => event.waitUntil(take().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET") return; // a film for the kiosk
  if (event.request.mode === "navigate") event.waitUntil(take().catch((error) => console.warn(error.message)));
  event.respondWith(kept(event.request));
});

/** Takes the server's page, unless it is the kept one. Throws an Error if it must not be taken. */
async function take() {
  const cache = await caches.open(CACHE);
  const old = await (await cache.match("./"))?.arrayBuffer();
  const update = await (await fetch("update.json", { cache: "no-store" })).json();
  if (old && (await hexHash(old)) === update.sha256) return;
  const page = await (await fetch("./", { cache: "no-store" })).arrayBuffer();
  const got = await hexHash(page);
  if (got !== update.sha256) throw new Error(`the page has the SHA-256 ${got}, expected ${update.sha256}`);
  if (old && !(await isSigned(page, update.signature, old))) throw new Error("another key signed the page, or none");
  if (!old) await cache.addAll(["manifest.webmanifest", "icon.svg"]);
  await cache.put("./", new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } }));
}

/** Whether a signature of OpenSSH (PROTOCOL.sshsig) by the key that the kept page names holds for a new page. */
async function isSigned(page, signature, old) {
  const named = UPDATE_KEY.exec(new TextDecoder().decode(old))?.[1];
  if (!named) return false;
  const key = await crypto.subtle.importKey("raw", bytesOf(named), "Ed25519", false, ["verify"]);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-512", page));
  const texts = [NAMESPACE, "", "sha512"].map((text) => new TextEncoder().encode(text));
  const fields = [...texts, hash].flatMap((field) => [0, 0, 0, field.length, ...field]);
  const signed = Uint8Array.from([...new TextEncoder().encode("SSHSIG"), ...fields]);
  return crypto.subtle.verify("Ed25519", key, bytesOf(signature), signed);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
}

async function hexHash(content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function kept(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request.mode === "navigate" ? "./" : request)) ?? new Response("", { status: 404 });
}
