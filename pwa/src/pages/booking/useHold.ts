/** Holding one place while the person checks the answers: take it, count down, give it back, confirm it. */
import { computed, onBeforeUnmount, ref, shallowRef } from 'vue'
import { api, ApiProblem } from '../../api/client'
import { newKey } from '../../api/key'
import type { Appointment, Hold, Slot, SlotDays } from '../../api/types'
import { holdFits, slugsOf, type BookingDraft } from '../../state/drafts'
import { prefs } from '../../state/prefs'
import { releaseHold, watchHold } from './leave'

const ALTERNATIVES = 4
const LOOK_AHEAD_DAYS = 7

const problemOf = (error: unknown) => (error instanceof ApiProblem ? error : new ApiProblem(500, {}))

export function useHold(draft: BookingDraft) {
  watchHold(draft)
  const problem = shallowRef<ApiProblem | null>(null)
  const others = shallowRef<Slot[]>([])
  const busy = ref<'' | 'hold' | 'confirm'>('')
  const now = ref(Date.now())
  let skew = 0
  const timer = window.setInterval(() => { now.value = Date.now() }, 1000)
  const leftMs = computed(() => (draft.hold ? Date.parse(draft.hold.expires_at) - now.value - skew : 0))

  /** Takes the chosen place, unless exactly this one is held already. */
  async function take(): Promise<void> {
    if (busy.value || !draft.slot || !draft.person) return
    problem.value = null
    if (holdFits(draft, Date.now() + skew)) return
    releaseHold(draft)
    busy.value = 'hold'
    try {
      const body = { slot_id: draft.slot.id, items: slugsOf(draft), people: draft.people, for_person_id: draft.person.id, application_id: draft.matter?.application ?? null }
      const hold = await api.post<Hold>('/holds', body, { idempotencyKey: newKey() })
      now.value = Date.now()
      skew = hold.server_time ? Date.parse(hold.server_time) - now.value : 0
      draft.hold = hold
      draft.confirmKey = newKey()
    } catch (error) {
      await refused(problemOf(error))
    } finally {
      busy.value = ''
    }
  }

  async function refused(error: ApiProblem): Promise<void> {
    problem.value = error
    if (error.code === 'slot_full' || error.code === 'slot_closed') others.value = await nearest().catch(() => [])
  }

  /** Free times closest to the lost one, the same day first. */
  async function nearest(): Promise<Slot[]> {
    const wanted = Date.parse(draft.slot?.start ?? '')
    const answer = await api.get<SlotDays>('/slots', {
      hall: draft.hall?.code, items: slugsOf(draft).join(), people: draft.people, from: draft.date, days: LOOK_AHEAD_DAYS, lang: prefs.lang,
    })
    return answer.days.flatMap((day) => day.slots)
      .filter((slot) => slot.state === 'free' && slot.id !== draft.slot?.id)
      .sort((a, b) => Math.abs(Date.parse(a.start) - wanted) - Math.abs(Date.parse(b.start) - wanted))
      .slice(0, ALTERNATIVES)
      .sort((a, b) => a.start.localeCompare(b.start))
  }

  async function releaseAll(): Promise<void> {
    busy.value = 'hold'
    try {
      const { holds } = await api.get<{ holds: Hold[] }>('/holds')
      await Promise.all(holds.map((hold) => api.delete(`/holds/${hold.id}`)))
    } catch (error) {
      problem.value = problemOf(error)
      return
    } finally {
      busy.value = ''
    }
    await take()
  }

  /** The appointment, or null when it was refused (then `problem` says why). */
  async function confirm(): Promise<Appointment | null> {
    if (!draft.hold || busy.value) return null
    busy.value = 'confirm'
    problem.value = null
    try {
      return await api.post<Appointment>(`/holds/${draft.hold.id}/confirm`, {}, { idempotencyKey: (draft.confirmKey ??= newKey()) })
    } catch (error) {
      const cause = problemOf(error)
      if (cause.status !== 0 && cause.status < 500) draft.hold = null
      await refused(cause)
      return null
    } finally {
      busy.value = ''
    }
  }

  const leavePage = () => { if (busy.value !== 'confirm') releaseHold(draft) }
  const comeBack = (event: PageTransitionEvent) => { if (event.persisted) void take() }
  window.addEventListener('pagehide', leavePage)
  window.addEventListener('pageshow', comeBack)
  onBeforeUnmount(() => {
    window.clearInterval(timer)
    window.removeEventListener('pagehide', leavePage)
    window.removeEventListener('pageshow', comeBack)
  })

  return { problem, others, busy, leftMs, take, releaseAll, confirm }
}
