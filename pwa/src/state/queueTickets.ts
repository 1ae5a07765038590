/** Queue numbers on this phone as last seen, so that they can be looked at without network. */
import type { QueueTicket } from '../api/types'
import { read, write } from './storage'

const KEY = 'queue-tickets'
const KEEP_MS = 2 * 86_400_000

export interface Seen { ticket: QueueTicket; ahead: number | null; at: number }

const all = (): Record<string, Seen> => read<Record<string, Seen>>(localStorage, KEY) ?? {}

export const seenTicket = (link: string): Seen | null => all()[link] ?? null

/** Keeps this ticket; those not looked at for two days are dropped. */
export function keepSeen(ticket: QueueTicket, ahead: number | null, now = Date.now()): void {
  const kept = Object.entries({ ...all(), [ticket.link]: { ticket, ahead, at: now } }).filter(([, one]) => one.at > now - KEEP_MS)
  write(localStorage, KEY, Object.fromEntries(kept))
}

export function forgetSeen(): void {
  write(localStorage, KEY, null)
}
