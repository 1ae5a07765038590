/** Sending a code to the entrance and what came back. A lost connection repeats the same request under the same key. */
import { computed, onBeforeUnmount, ref, shallowRef } from 'vue'
import { api, ApiProblem } from '../../../api/client'
import { newKey } from '../../../api/key'
import type { Arrival } from '../../../api/types'
import { t } from '../../../i18n'
import { problemText } from '../../../ui/problemText'
import { asStaff, untilAnswered } from '../desk'
import { play, type Mood } from './tones'

const SLOW_MS = 1500

export type VerdictName = Arrival['verdict'] | 'foreign'
export interface Verdict { name: VerdictName; arrival: Arrival | null; code: string; shownAt: number }
export interface Undo { id: string; number: string; name: string; until: number }

const MOODS: Record<VerdictName, Mood> = {
  on_time: 'good', late: 'good', early: 'attention', wrong_hall: 'attention', wrong_day: 'attention', check_identity: 'attention',
  already_used: 'no', cancelled: 'no', forged: 'no', unknown: 'no', foreign: 'no',
}
export const moodOf = (name: VerdictName): Mood => MOODS[name]

export function useCheckIn() {
  const sending = ref('')
  const reconnecting = ref(false)
  const verdict = shallowRef<Verdict | null>(null)
  const undo = shallowRef<Undo | null>(null)
  const problem = ref('')
  const note = ref('')
  const now = ref(Date.now())
  let wanted = 0
  const timer = window.setInterval(() => {
    now.value = Date.now()
    if (undo.value && undo.value.until <= now.value) undo.value = null
  }, 250)
  onBeforeUnmount(() => {
    wanted++
    window.clearInterval(timer)
  })

  function show(name: VerdictName, code: string, arrival: Arrival | null): void {
    verdict.value = { name, arrival, code, shownAt: performance.now() }
    play(MOODS[name])
    if (!arrival?.accepted || !arrival.check_in_id || !arrival.undo_until) return
    const leftMs = Date.parse(arrival.undo_until) - Date.parse(arrival.server_time)
    now.value = Date.now()
    undo.value = { id: arrival.check_in_id, number: arrival.ticket?.number ?? '', name: arrival.appointment?.name_masked ?? '', until: now.value + leftMs }
  }

  async function submit(code: string, identified = false): Promise<void> {
    if (sending.value) return
    const mine = ++wanted
    const key = newKey()
    sending.value = code
    problem.value = note.value = ''
    const slow = window.setTimeout(() => { reconnecting.value = true }, SLOW_MS)
    try {
      const arrival = await untilAnswered(
        () => api.post<Arrival>('/staff/check-ins', { code, identity_checked: identified }, { idempotencyKey: key }),
        () => mine === wanted, () => { reconnecting.value = true },
      )
      if (arrival && mine === wanted) show(arrival.verdict, code, arrival)
    } catch (error) {
      problem.value = error instanceof ApiProblem ? problemText(error) : t('staff.offline')
      verdict.value = null
      play('no')
    } finally {
      window.clearTimeout(slow)
      if (mine === wanted) {
        sending.value = ''
        reconnecting.value = false
      }
    }
  }

  /** Waiting for an answer is given up; the code may have been taken all the same. */
  function giveUp(): void {
    wanted++
    sending.value = ''
    reconnecting.value = false
    note.value = t('staff.scan.gave_up')
  }

  async function takeBack(): Promise<void> {
    const taken = undo.value
    if (!taken) return
    problem.value = ''
    try {
      await asStaff(() => api.post(`/staff/check-ins/${taken.id}/undo`))
      undo.value = verdict.value = null
      note.value = t('staff.scan.undone', { number: taken.number })
    } catch (error) {
      problem.value = error instanceof ApiProblem ? problemText(error) : t('staff.offline')
    }
  }

  function close(): void {
    verdict.value = null
    problem.value = note.value = ''
  }

  function notMatching(): void {
    close()
    note.value = t('staff.scan.not_matching')
  }

  const undoSeconds = computed(() => (undo.value ? Math.max(0, Math.ceil((undo.value.until - now.value) / 1000)) : 0))
  return { sending, reconnecting, verdict, undo, undoSeconds, problem, note, submit, show, giveUp, takeBack, close, notMatching }
}
