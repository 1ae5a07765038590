/** This kiosk and the server: signed requests, its clock, enrolment, its next key. */
import { reactive } from 'vue'
import { ApiProblem } from '../../api/client'
import type { DeviceState } from '../../api/types'
import { prefs } from '../../state/prefs'
import { forget, hex, keep, lines, newKeys, publicKey, recall, sign, type Me } from './keys'

const TIMEOUT_MS = 15_000

/** `new` needs an enrolment code; `old_browser` cannot make a key; `off` was switched off by the hall; `lost` has no answer. */
export const kiosk = reactive<{ at: 'starting' | 'new' | 'old_browser' | 'ready' | 'off' | 'lost'; state: DeviceState | null }>({ at: 'starting', state: null })

let me: Me | undefined
let aheadMs = 0
/** What the server's clock says. */
export const serverNow = (): number => Date.now() + aheadMs

interface Refusal { code?: string; server_time?: string }

async function fetched<T>(target: string, init: RequestInit): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(target, { ...init, credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch {
    throw new ApiProblem(0, {})
  }
  const body = await answer.json().catch(() => ({})) as T & Refusal
  if (answer.ok) return body
  if (body.code === 'request_stale' && body.server_time) aheadMs = Date.parse(body.server_time) - Date.now()
  throw new ApiProblem(answer.status, body)
}

async function send<T>(method: string, path: string, body?: unknown, key?: string, keys = me?.keys): Promise<T> {
  if (!me || !keys) throw new ApiProblem(401, { code: 'device_refused' })
  const target = `/api/v1${path}${path.includes('?') ? '&' : '?'}lang=${prefs.lang}`
  const text = body === undefined ? '' : JSON.stringify(body)
  for (let turn = 0; ; turn += 1) {
    const time = Math.floor(serverNow() / 1000)
    const nonce = hex(crypto.getRandomValues(new Uint8Array(16)))
    const signature = await sign(keys, await lines(me.id, method, target, text, time, nonce))
    const headers: Record<string, string> = {
      Authorization: `Device id=${me.id}, time=${time}, nonce=${nonce}, signature=${signature}`, 'Accept-Language': prefs.lang,
      ...(text ? { 'Content-Type': 'application/json' } : {}), ...(key ? { 'Idempotency-Key': key } : {}),
    }
    try {
      return await fetched<T>(target, { method, headers, body: text || undefined })
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      if (error.code === 'device_revoked') kiosk.at = 'off'
      if (error.code !== 'request_stale' || turn > 0) throw error
    }
  }
}

export const get = <T>(path: string): Promise<T> => send<T>('GET', path)
export const post = <T>(path: string, body: unknown, key?: string): Promise<T> => send<T>('POST', path, body, key)

function arrived(state: DeviceState): void {
  aheadMs = Date.parse(state.server_time) - Date.now()
  Object.assign(kiosk, { at: 'ready', state })
}

/** Finds this kiosk's key and asks who it is. */
export async function begin(): Promise<void> {
  if (!await canMakeKeys()) {
    kiosk.at = 'old_browser'
    return
  }
  me = await recall().catch(() => undefined)
  if (!me) {
    kiosk.at = 'new'
    return
  }
  try {
    if (me.next) await changeKey()
    arrived(await get<DeviceState>('/device'))
  } catch (error) {
    const code = error instanceof ApiProblem ? error.code : ''
    kiosk.at = code === 'device_revoked' ? 'off' : code === 'device_refused' ? 'new' : 'lost'
  }
}

async function canMakeKeys(): Promise<boolean> {
  try {
    await newKeys()
    return true
  } catch {
    return false
  }
}

/** Registers this kiosk with the one-time code of the hall's lead. */
export async function enrol(code: string): Promise<void> {
  const keys = await newKeys()
  const shown = await publicKey(keys)
  const body = JSON.stringify({ code, public_key: shown, proof: await sign(keys, ['WZW-ENROL-1', code, shown]) })
  const headers = { 'Content-Type': 'application/json', 'Accept-Language': prefs.lang }
  const state = await fetched<DeviceState>(`/api/v1/device/enrolment?lang=${prefs.lang}`, { method: 'POST', headers, body })
  me = { id: state.id, keys }
  await keep(me)
  arrived(state)
}

/** Registers the next key, which is kept before it is sent, so that a lost answer loses nothing. */
export async function changeKey(): Promise<void> {
  if (!me) return
  const next = me.next ?? await newKeys()
  me = { ...me, next }
  await keep(me)
  const shown = await publicKey(next)
  try {
    await post('/device/keys', { public_key: shown, proof: await sign(next, ['WZW-NEXT-KEY-1', me.id, shown]) })
  } catch (error) {
    // The answer was lost a day ago: the server knows the next key alone.
    if (!(error instanceof ApiProblem) || error.code !== 'device_refused') throw error
  }
  me = { id: me.id, keys: next }
  await keep(me)
}

/** Changes the key when it is due; a failure waits for the next time. */
export async function changeKeyWhenDue(): Promise<void> {
  if (kiosk.state && serverNow() >= Date.parse(kiosk.state.change_key_from)) {
    await changeKey().then(async () => arrived(await get<DeviceState>('/device'))).catch(() => undefined)
  }
}

/** Forgets this kiosk here, to enrol it anew. */
export async function startOver(): Promise<void> {
  me = undefined
  await forget()
  Object.assign(kiosk, { at: 'new', state: null })
}
