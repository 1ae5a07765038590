/** Booked visits and their passes on this phone, so that the code can be shown without network. */
import type { Appointment, Pass } from '../api/types'
import { read, write } from './storage'

const KEY = 'tickets'
const KEEP_MS = 2 * 86_400_000

export interface Ticket {
  appointment: Appointment
  pass: Pass | null
  /** Server clock minus this phone's clock, in milliseconds. */
  offset_ms: number
}
type Tickets = Record<string, Ticket>

const all = (): Tickets => read<Tickets>(localStorage, KEY) ?? {}

export const savedTicket = (id: string): Ticket | null => all()[id] ?? null

export function savedTickets(now = Date.now()): Ticket[] {
  return Object.values(all())
    .filter((one) => one.appointment.state === 'booked' && Date.parse(one.appointment.slot.end) > now - KEEP_MS)
    .sort((a, b) => a.appointment.slot.start.localeCompare(b.appointment.slot.start))
}

/** Keeps one visit; a pass already kept stays when none is given. Visits over for two days are dropped. */
export function saveTicket(appointment: Appointment, pass?: Pass, offsetMs?: number, now = Date.now()): Ticket {
  const tickets = all()
  const before = tickets[appointment.id]
  const ticket = { appointment, pass: pass ?? before?.pass ?? null, offset_ms: offsetMs ?? before?.offset_ms ?? 0 }
  tickets[appointment.id] = ticket
  for (const [id, one] of Object.entries(tickets)) {
    if (Date.parse(one.appointment.slot.end) < now - KEEP_MS) delete tickets[id]
  }
  write(localStorage, KEY, tickets)
  return ticket
}

export function dropTicket(id: string): void {
  const tickets = all()
  delete tickets[id]
  write(localStorage, KEY, tickets)
}

export function clearTickets(): void {
  write(localStorage, KEY, null)
}
