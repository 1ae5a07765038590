/** Every request to our API: session cookie, CSRF token, language, repeats after a lost connection, problems as one error type. */
import { prefs } from '../state/prefs'

const BASE = '/api/v1'
const TIMEOUT_MS = 15_000
const PAUSES_MS = [600, 1800]

export interface FieldError { pointer: string; detail: string }
interface Problem { title?: string; detail?: string; code?: string; instance?: string; errors?: FieldError[]; until?: string }
type QueryValue = string | number | boolean | null | undefined
export type Query = Record<string, QueryValue>
interface Options { query?: Query; body?: unknown; idempotencyKey?: string; keepalive?: boolean }

/** An answer that is not a success; status 0 and code "offline" mean that no answer came. */
export class ApiProblem extends Error {
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly errors: FieldError[]
  readonly instance: string
  /** When a refusal ends, where it ends by itself. */
  readonly until: string | null

  constructor(readonly status: number, problem: Problem, readonly retryAfter: number | null = null) {
    super(problem.detail || problem.title)
    this.code = problem.code || (status ? 'unknown' : 'offline')
    this.title = problem.title || ''
    this.detail = problem.detail || ''
    this.errors = problem.errors || []
    this.instance = problem.instance || ''
    this.until = problem.until || null
  }
}

let csrf: { token: string | null } | null = null

export function rememberCsrf(token: string | null): void {
  csrf = { token }
}

export async function csrfToken(): Promise<string | null> {
  if (!csrf) rememberCsrf((await send<{ csrf_token: string | null }>('GET', '/session', {})).csrf_token)
  return csrf?.token ?? null
}

export function address(path: string, query: Query = {}): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') params.set(key, String(value))
  }
  const text = params.toString()
  return `${BASE}${path}${text ? `${path.includes('?') ? '&' : '?'}${text}` : ''}`
}

async function send<T>(method: string, path: string, options: Options): Promise<T> {
  const headers: Record<string, string> = { 'Accept-Language': prefs.lang }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (options.idempotencyKey) headers['Idempotency-Key'] = options.idempotencyKey
  if (method !== 'GET') {
    const token = await csrfToken()
    if (token) headers['X-CSRF-Token'] = token
  }
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS)
  try {
    const answer = await fetch(address(path, options.query), {
      method, headers, credentials: 'same-origin', signal: stop.signal, keepalive: options.keepalive,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
    })
    const text = await answer.text()
    if (answer.ok) return (text ? JSON.parse(text) : undefined) as T
    throw new ApiProblem(answer.status, problemIn(text), Number(answer.headers.get('Retry-After')) || null)
  } catch (error) {
    if (error instanceof ApiProblem) throw error
    throw new ApiProblem(0, {})
  } finally {
    clearTimeout(timer)
  }
}

export function problemIn(text: string): Problem {
  try {
    return JSON.parse(text) as Problem
  } catch {
    return {}
  }
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const repeatable = ['GET', 'PUT', 'DELETE'].includes(method) || Boolean(options.idempotencyKey)
  let renewed = false
  for (let turn = 0; ; ) {
    try {
      return await send<T>(method, path, options)
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      if (error.code === 'csrf_failed' && !renewed) {
        renewed = true
        csrf = null
        continue
      }
      const wait = PAUSES_MS[turn]
      const passing = (error.status === 0 && navigator.onLine) || error.status === 503
      if (!repeatable || !passing || wait === undefined || (error.retryAfter ?? 0) > 5) throw error
      turn += 1
      await pause(Math.max(wait, (error.retryAfter ?? 0) * 1000))
    }
  }
}

export const api = {
  get: <T>(path: string, query?: Query) => call<T>('GET', path, { query }),
  post: <T>(path: string, body: unknown = {}, options: { idempotencyKey?: string; keepalive?: boolean } = {}) =>
    call<T>('POST', path, { body, ...options }),
  put: <T>(path: string, body: unknown) => call<T>('PUT', path, { body }),
  patch: <T>(path: string, body: unknown) => call<T>('PATCH', path, { body }),
  delete: <T = void>(path: string, options: { keepalive?: boolean } = {}) => call<T>('DELETE', path, options),
}
