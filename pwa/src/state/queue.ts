/** The live picture of one hall, asked for again and again while somebody looks; `every` says after how many milliseconds. */
import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { QueuePicture } from '../api/types'
import { isStale, pauseAfter, POLL_MS } from '../../shared/queue'

const TIMEOUT_MS = 5000
const HIDDEN_MS = 5000

export function useQueue(hall: () => string | null, every: () => number = () => POLL_MS) {
  const picture = shallowRef<QueuePicture | null>(null)
  /** The last answer is too old to be trusted. */
  const stale = ref(false)
  let etag = ''
  let answered = performance.now()
  let failures = 0
  let turn = 0
  let next = 0
  let hiding = 0

  async function ask(code: string, mine: number): Promise<void> {
    const stop = new AbortController()
    const timer = window.setTimeout(() => stop.abort(), TIMEOUT_MS)
    try {
      const answer = await fetch(`/api/v1/halls/${encodeURIComponent(code)}/queue`, {
        headers: etag ? { 'If-None-Match': etag } : {}, cache: 'no-store', signal: stop.signal,
      })
      const fresh = answer.status === 200 ? ((await answer.json()) as QueuePicture) : null
      if (mine !== turn) return
      if (!fresh && answer.status !== 304) throw new Error(String(answer.status))
      if (fresh) {
        picture.value = fresh
        etag = answer.headers.get('ETag') ?? ''
      }
      answered = performance.now()
      failures = 0
      stale.value = false
    } catch {
      if (mine === turn) failures += 1
    } finally {
      window.clearTimeout(timer)
    }
    if (mine === turn) next = window.setTimeout(() => { void ask(code, mine) }, pauseAfter(failures, every()))
  }

  function rest(): void {
    turn += 1
    window.clearTimeout(next)
  }

  function start(): void {
    rest()
    const code = hall()
    if (code !== null) void ask(code, turn)
  }

  function seen(): void {
    window.clearTimeout(hiding)
    if (document.hidden) hiding = window.setTimeout(rest, HIDDEN_MS)
    else start()
  }

  watch(hall, () => {
    picture.value = null
    etag = ''
    start()
  }, { immediate: true })
  const watching = window.setInterval(() => { stale.value = hall() !== null && isStale(answered, performance.now(), every()) }, 1000)
  document.addEventListener('visibilitychange', seen)
  window.addEventListener('online', start)
  onScopeDispose(() => {
    rest()
    window.clearInterval(watching)
    window.clearTimeout(hiding)
    document.removeEventListener('visibilitychange', seen)
    window.removeEventListener('online', start)
  })
  return { picture, stale }
}
