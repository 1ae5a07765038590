/** Requests whose body or answer is a file: not JSON, and with a time limit of their own. */
import { prefs } from '../state/prefs'
import { address, ApiProblem, csrfToken, problemIn, type Query } from './client'

const TIMEOUT_MS = 60_000

interface Options { query?: Query; headers?: Record<string, string>; signal?: AbortSignal }

/** Sends these bytes, or JSON when it is no Blob; gives the whole answer. Raises ApiProblem like `api`. */
export async function sendRaw(method: 'POST' | 'PATCH' | 'PUT', path: string, body: Blob | object, options: Options = {}): Promise<Response> {
  const file = body instanceof Blob
  const headers: Record<string, string> = {
    'Accept-Language': prefs.lang, 'Content-Type': file ? body.type || 'application/octet-stream' : 'application/json', ...options.headers,
  }
  const token = await csrfToken()
  if (token) headers['X-CSRF-Token'] = token
  const signal = options.signal ?? AbortSignal.timeout(TIMEOUT_MS)
  let answer: Response
  try {
    answer = await fetch(address(path, options.query), { method, headers, credentials: 'same-origin', signal, body: file ? body : JSON.stringify(body) })
  } catch {
    throw new ApiProblem(0, {})
  }
  if (!answer.ok) throw new ApiProblem(answer.status, problemIn(await answer.text()), Number(answer.headers.get('Retry-After')) || null)
  return answer
}

/** Shows a document in a tab of its own, from where it is printed. */
export function openFile(content: Blob): void {
  const url = URL.createObjectURL(content)
  window.open(url, '_blank', 'noopener')
  window.setTimeout(() => URL.revokeObjectURL(url), TIMEOUT_MS)
}
