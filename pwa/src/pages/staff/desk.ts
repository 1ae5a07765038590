/** What every staff page needs: calls that survive a session that ran out, the halls one works in, and ways between pages. */
import { ref } from 'vue'
import { useRouter } from 'vue-router'
import { api, ApiProblem } from '../../api/client'
import type { Named, SessionState } from '../../api/types'
import { setSession } from '../../state/session'
import { localPath } from '../citizen/parts/rules'

export interface Halls { halls: Named[]; current: string | null }

export const signInAsked = ref(false)
const waiting: (() => void)[] = []

/** Does `work`; when the session has run out, asks to sign in and does it again. Other problems are thrown on. */
export async function asStaff<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 401) throw error
      signInAsked.value = true
      await new Promise<void>((again) => waiting.push(again))
    }
  }
}

const AGAIN_MS = 1000

/** Sends the same request until the server answers it or nobody waits any longer; `lost` hears of each lost answer. Refusals are thrown on. */
export async function untilAnswered<T>(work: () => Promise<T>, wanted: () => boolean, lost: () => void): Promise<T | null> {
  while (wanted()) {
    try {
      return await asStaff(work)
    } catch (error) {
      if (!(error instanceof ApiProblem) || (error.status !== 0 && error.status < 500)) throw error
      lost()
      await new Promise((again) => setTimeout(again, AGAIN_MS))
    }
  }
  return null
}

export function signedInAgain(): void {
  signInAsked.value = false
  for (const again of waiting.splice(0)) again()
}

/** The halls this account works in; none when that cannot be learnt now. */
export async function myHalls(): Promise<Halls> {
  try {
    return await api.get<Halls>('/staff/halls')
  } catch {
    return { halls: [], current: null }
  }
}

export async function workIn(hall: string): Promise<void> {
  setSession(await api.post<SessionState>('/staff/session/hall', { hall }))
}

/** Only a staff page of this site; the console otherwise. */
export function staffPath(text: unknown): string {
  const path = localPath(text)
  return /^\/staff(\/|\?|$)/.test(path) && !path.startsWith('/staff/login') ? path : '/staff/'
}

const hasCamera = (path: string) => /^\/staff\/(scan|collect)(?=[/?#]|$)/.test(path)

/** Pages with a camera are entered and left by loading the document, because their security policy is their own. */
export function useGo(): (to: string, replace?: boolean) => void {
  const router = useRouter()
  return (to, replace = false) => {
    if (hasCamera(to) !== hasCamera(window.location.pathname)) window.location[replace ? 'replace' : 'assign'](to)
    else void router[replace ? 'replace' : 'push'](to)
  }
}
