/** Which steps of booking were reached: told in one small message, without anything of who. */
import { api } from '../api/client'

export interface Reached { step: 'item' | 'hall' | 'slots' | 'who' | 'check'; item: string; hall: string | null }
const WAIT_MS = 4000
const MOST = 20
let waiting: Reached[] = []
let timer = 0

function tell(): void {
  window.clearTimeout(timer)
  timer = 0
  const steps = waiting.splice(0, MOST)
  if (steps.length) void api.post('/booking-steps', { steps }, { keepalive: true }).catch(() => undefined)
}

/** Counts a step once for each item of the visit. */
export function reached(step: Reached['step'], items: string[], hall: string | null = null): void {
  waiting = [...waiting, ...items.map((item) => ({ step, item, hall }))]
  timer ||= window.setTimeout(tell, WAIT_MS)
}

document.addEventListener('visibilitychange', () => { if (document.hidden) tell() })
