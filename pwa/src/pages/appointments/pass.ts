/** The pass of one visit: fetched once, kept on the phone, turned into the code that changes every 30 seconds. */
import { onBeforeUnmount, ref, watch, type Ref } from 'vue'
import { codeTextOf, rotatingPart, stepAt } from '../../../shared/rotating'
import { api } from '../../api/client'
import type { Appointment, Pass } from '../../api/types'
import { saveTicket, type Ticket } from '../../state/tickets'

export async function fetchPass(appointment: Appointment): Promise<Ticket> {
  const asked = Date.now()
  const pass = await api.get<Pass>(`/appointments/${appointment.id}/pass`)
  const offset = Date.parse(pass.server_time) - (asked + Date.now()) / 2
  return saveTicket(appointment, pass, Math.round(offset))
}

/** Text for the code and whole seconds until it changes; works without network. */
export function useRotatingCode(ticket: Ref<Ticket | null>): { text: Ref<string>; secondsLeft: Ref<number> } {
  const text = ref('')
  const secondsLeft = ref(0)
  let shown = ''

  async function tick(): Promise<void> {
    const pass = ticket.value?.pass
    if (!pass) {
      text.value = ''
      return
    }
    const now = Date.now() + (ticket.value?.offset_ms ?? 0)
    const step = stepAt(now, pass.step_seconds)
    secondsLeft.value = Math.ceil((step + 1) * pass.step_seconds - now / 1000)
    const key = `${pass.static}.${pass.secret}.${step}`
    if (key === shown) return
    shown = key
    text.value = codeTextOf(pass.static, await rotatingPart(pass.secret, step))
  }

  const timer = window.setInterval(() => { void tick() }, 1000)
  const wake = () => { if (!document.hidden) void tick() }
  document.addEventListener('visibilitychange', wake)
  watch(ticket, () => { void tick() }, { immediate: true })
  onBeforeUnmount(() => {
    window.clearInterval(timer)
    document.removeEventListener('visibilitychange', wake)
  })
  return { text, secondsLeft }
}
