/** An application being filled in: every answer is kept on this phone at once, and sent as soon as there is a network. */
import { reactive, ref, watch } from 'vue'
import type { Answers } from '../../shared/forms'
import { api, ApiProblem } from '../api/client'
import { newKey } from '../api/key'
import type { Application } from '../api/types'
import { session } from './session'
import { read, write } from './storage'

export type Way = 'download' | 'mail' | 'window'

interface Kept {
  view: Application | null
  /** What the server does not know yet; null takes an answer away. */
  pending: Answers
  /** How the result is to come, with the consent that a download needs, until the server knows. */
  wish: { way: Way; consent: boolean } | null
  /** Under this key the application is handed in once. */
  submitKey: string
  /** Questions answered on this phone since it was opened, to show what of a correction is done. */
  touched: string[]
}

export interface Filing extends Kept {
  id: string
  /** waiting: no answer came, it is sent again by itself; refused: the server will not have it. */
  state: 'idle' | 'saving' | 'waiting' | 'refused'
  problem: ApiProblem | null
  /** Questions that another device answered differently meanwhile. */
  mixed: string[]
}

export const KEPT = 'filing:'
const PAUSE_MS = 600
const AGAIN_MS = 5000
const PASSING = [0, 429, 502, 503, 504]

const live = reactive(new Map<string, Filing>())
const running = new Map<string, Promise<boolean>>()
const timers = new Map<string, number>()
const path = (id: string) => `/applications/${encodeURIComponent(id)}`
const same = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null)

export function filingOf(id: string): Filing {
  const known = live.get(id)
  if (known) return known
  const empty: Kept = { view: null, pending: {}, wish: null, submitKey: newKey(), touched: [] }
  live.set(id, { ...empty, ...read<Partial<Kept>>(localStorage, KEPT + id), id, state: 'idle', problem: null, mixed: [] })
  return live.get(id) as Filing
}

export function keep(filing: Filing): void {
  const { view, pending, wish, submitKey, touched } = filing
  write(localStorage, KEPT + filing.id, { view, pending, wish, submitKey, touched } satisfies Kept)
}

export function forgetFiling(id: string): void {
  window.clearTimeout(timers.get(id))
  live.delete(id)
  write(localStorage, KEPT + id, null)
}

/** Whether the server lacks something that was typed or chosen here. */
export const owes = (filing: Filing): boolean => filing.wish !== null || Object.keys(filing.pending).length > 0

/** How the result is to come: as chosen here last, else as the server knows. */
export const wayOf = (filing: Filing): Way | null => filing.wish?.way ?? (filing.view?.delivery.way as Way | null | undefined) ?? null

/** Typed answers, the newest of this phone over the server's. */
export function answersOf(filing: Filing): Answers {
  const all: Answers = { ...filing.view?.answers, ...filing.pending }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
}

/** An answer that was overtaken on its way never replaces a newer one. */
function take(filing: Filing, view: Application): void {
  if (filing.view && view.revision < filing.view.revision) return
  filing.view = view
  keep(filing)
}

/** Asks the server how it stands. Without network what this phone kept is enough; raises ApiProblem when there is nothing. */
export async function load(filing: Filing): Promise<void> {
  try {
    take(filing, await api.get<Application>(path(filing.id)))
    void save(filing)
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 0 || !filing.view) throw error
    filing.state = 'waiting'
  }
}

/** One answer; `pause` waits until typing stops. */
export function answer(filing: Filing, name: string, value: unknown, pause = false): void {
  filing.pending[name] = value ?? null
  if (!filing.touched.includes(name)) filing.touched.push(name)
  keep(filing)
  window.clearTimeout(timers.get(filing.id))
  if (!pause) return void save(filing)
  timers.set(filing.id, window.setTimeout(() => { void save(filing) }, PAUSE_MS))
}

/** Sends what is pending; true when the server has everything. */
export async function save(filing: Filing): Promise<boolean> {
  window.clearTimeout(timers.get(filing.id))
  while (owes(filing)) {
    let turn = running.get(filing.id)
    if (!turn) {
      turn = send(filing).finally(() => { running.delete(filing.id) })
      running.set(filing.id, turn)
    }
    if (!(await turn)) return false
  }
  if (filing.state !== 'saving') filing.state = 'idle'
  return true
}

/** One request with what is pending now; false when it has to wait or was refused. */
async function send(filing: Filing): Promise<boolean> {
  const sent = { ...filing.pending }
  const { wish } = filing
  filing.state = 'saving'
  try {
    if (!filing.view) take(filing, await api.get<Application>(path(filing.id)))
    const view = await api.patch<Application>(path(filing.id), {
      revision: filing.view?.revision, answers: sent, ...(wish ? { delivery: wish.way, delivery_consent: wish.consent } : {}),
    })
    if (same(filing.wish, wish)) filing.wish = null
    for (const [name, value] of Object.entries(sent)) if (same(filing.pending[name], value)) delete filing.pending[name]
    filing.problem = null
    take(filing, view)
    filing.state = 'idle'
  } catch (error) {
    await failed(filing, error instanceof ApiProblem ? error : new ApiProblem(500, {}))
  }
  return filing.state === 'idle'
}

async function failed(filing: Filing, problem: ApiProblem): Promise<void> {
  try {
    if (problem.code !== 'saved_elsewhere') throw problem
    const before = filing.view?.answers ?? {}
    const fresh = await api.get<Application>(path(filing.id))
    // What was typed here last stays; the person is told where the other device says something else.
    const differs = Object.keys(filing.pending).filter((name) => !same(fresh.answers[name], before[name]) && !same(fresh.answers[name], filing.pending[name]))
    filing.mixed = [...new Set([...filing.mixed, ...differs])]
    take(filing, fresh)
    filing.state = 'idle'
  } catch (error) {
    filing.problem = error instanceof ApiProblem ? error : problem
    filing.state = PASSING.includes(filing.problem.status) ? 'waiting' : 'refused'
  }
}

/** Applications with answers that only this phone has. */
export function unsent(): Filing[] {
  for (let at = 0; at < localStorage.length; at += 1) {
    const key = localStorage.key(at) ?? ''
    if (key.startsWith(KEPT)) filingOf(key.slice(KEPT.length))
  }
  return [...live.values()].filter(owes)
}

const sendAll = () => { for (const filing of live.values()) if (filing.state !== 'refused') void save(filing) }
window.addEventListener('online', sendAll)
document.addEventListener('visibilitychange', sendAll)
window.setInterval(() => { if ([...live.values()].some((one) => one.state === 'waiting')) sendAll() }, AGAIN_MS)

/** Counts sign-outs: pages that keep something of an application drop it. */
export const gone = ref(0)
watch(() => session.kind, (kind) => {
  if (kind === 'citizen' || kind === 'unknown') return
  for (const timer of timers.values()) window.clearTimeout(timer)
  live.clear()
  gone.value += 1
})
