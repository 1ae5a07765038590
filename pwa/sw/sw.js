/* Keeps the app's shell for use without network and public guides for a fast second visit. Personal answers are never kept here. */
const VERSION = '__VERSION__'
const SHELL = ['__SHELL__']
const SHELL_CACHE = `shell-${VERSION}`
const GUIDE_CACHE = 'guides-1'
const GUIDES = /^\/api\/v1\/(items|halls|categories|lists|special-steps|cancelled-proofs|config)(\/|$)/
const LIVE = /^\/api\/v1\/(items\/(search$|[^/]+\/halls$)|halls\/[^/]+\/(queue|waits|load|ratings)$)/
const PAGES = /^\/(search|items|book|appointments|tickets|inbox|me|login|lists|halls|help|bills|sites|standards|applications|cases)?(\/|$)/

/* Pages of the hall's app come from the server while it answers (the scan page has a policy of its own); the last copy of each serves a screen that starts without network. */
const HALL = /^\/(staff|screen|kiosk)(\/|$)/
const HALL_CACHE = 'hall-1'

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(SHELL_CACHE).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()))
})

self.addEventListener('activate', (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((name) => ![SHELL_CACHE, GUIDE_CACHE, HALL_CACHE].includes(name)).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()))
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (request.mode === 'navigate' && HALL.test(url.pathname)) {
    event.respondWith(hall(request, url.pathname))
  } else if (request.mode === 'navigate') {
    if (PAGES.test(url.pathname)) event.respondWith(fromShell('/', request))
  } else if (GUIDES.test(url.pathname) && !LIVE.test(url.pathname)) {
    event.respondWith(guide(event))
  } else if (SHELL.includes(url.pathname)) {
    event.respondWith(fromShell(url.pathname, request))
  }
})

async function fromShell(path, request) {
  const cache = await caches.open(SHELL_CACHE)
  return (await cache.match(path)) || fetch(request)
}

async function hall(request, path) {
  const cache = await caches.open(HALL_CACHE)
  try {
    const answer = await fetch(request)
    if (answer.ok) await cache.put(path, answer.clone())
    return answer
  } catch (error) {
    const last = await cache.match(path)
    if (last) return last
    throw error
  }
}

async function guide(event) {
  const cache = await caches.open(GUIDE_CACHE)
  const kept = await cache.match(event.request)
  const fresh = fetch(event.request).then(async (answer) => {
    if (answer.ok) await cache.put(event.request, answer.clone())
    return answer
  })
  if (!kept) return fresh
  event.waitUntil(fresh.catch(() => undefined))
  return kept
}
