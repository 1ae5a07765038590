/** Who is logged in, as the server says; and how many messages wait unread. */
import { reactive, ref } from 'vue'
import { api, rememberCsrf } from '../api/client'
import type { Me, SessionState, StaffMe } from '../api/types'
import { chosenHere, prefs } from './prefs'

export const session = reactive({
  kind: 'unknown' as 'unknown' | SessionState['kind'],
  me: null as Me | null,
  staff: null as StaffMe | null,
})
export const unread = ref(0)

export function setSession(state: SessionState): void {
  rememberCsrf(state.csrf_token)
  session.me = state.me
  session.staff = state.staff
  session.kind = state.kind
  if (state.me && !chosenHere) Object.assign(prefs, { lang: state.me.language, elder: state.me.elder_mode })
}

let asking: Promise<void> | null = null

/** Asks the server who this is; without network the kind stays as it was. */
export function loadSession(): Promise<void> {
  asking ??= api.get<SessionState>('/session').then(setSession, () => undefined).finally(() => { asking = null })
  return asking
}

export async function sessionKnown(): Promise<void> {
  if (session.kind === 'unknown') await loadSession()
}

export async function loadUnread(): Promise<void> {
  if (session.kind !== 'citizen') return
  try {
    unread.value = (await api.get<{ unread: number }>('/inbox/unread')).unread
  } catch {
    return
  }
}
