import { api } from '../api/client'
import { forgetAllDrafts } from './drafts'
import { forgetSeen } from './queueTickets'
import { loadSession, setSession, unread } from './session'
import { clearTickets } from './tickets'

/** Ends the session and removes what this phone keeps of the person. */
export async function signOut(): Promise<void> {
  await api.delete('/session')
  clearTickets()
  forgetSeen()
  forgetAllDrafts()
  forgetFilings()
  sessionStorage.clear()
  setSession({ kind: 'anonymous', csrf_token: null, me: null, staff: null })
  unread.value = 0
  await loadSession()
}

/** Applications being filled in, and files on their way: their modules need not be loaded to forget them. */
function forgetFilings(): void {
  for (const key of Object.keys(localStorage)) if (key.startsWith('filing:')) localStorage.removeItem(key)
  window.indexedDB?.deleteDatabase('uploads')
}
