/** The code that proves presence in the hall, while staff of this hall are signed in on the screen. */
import { onScopeDispose, ref, watch } from 'vue'
import { api } from '../../api/client'
import type { PlaceCode } from '../../api/types'
import { session } from '../../state/session'

const RENEW_MS = 60_000
/** The server takes a code for five minutes or more; an older one is not shown. */
const KEEP_MS = 300_000

export function usePlaceCode(hall: string) {
  const code = ref<string | null>(null)
  let got = 0

  async function renew(): Promise<void> {
    const { staff } = session
    if (staff?.hall?.code !== hall || !staff.permissions.includes('hall.today')) {
      code.value = null
      return
    }
    try {
      code.value = (await api.get<PlaceCode>('/staff/place-code')).code
      got = Date.now()
    } catch {
      if (Date.now() - got > KEEP_MS) code.value = null
    }
  }

  const timer = window.setInterval(() => { void renew() }, RENEW_MS)
  watch(() => session.staff, () => { void renew() }, { immediate: true })
  onScopeDispose(() => window.clearInterval(timer))
  return code
}
