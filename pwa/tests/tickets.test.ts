import { beforeEach, describe, expect, it } from 'vitest'
import type { Appointment, Pass } from '../src/api/types'
import { clearTickets, savedTicket, savedTickets, saveTicket } from '../src/state/tickets'

const now = Date.parse('2026-11-30T00:00:00Z')
const visit = (id: string, start: string, state = 'booked') =>
  ({ id, state, slot: { id: `s-${id}`, start, end: start } }) as Appointment
const pass = { static: 'abc', secret: 's' } as Pass

beforeEach(() => { localStorage.clear() })

describe('tickets on this phone', () => {
  it('keep the pass when only the visit is saved again', () => {
    saveTicket(visit('a', '2026-12-01T01:30:00Z'), pass, 1500, now)
    saveTicket(visit('a', '2026-12-01T01:30:00Z'), undefined, undefined, now)
    expect(savedTicket('a')).toMatchObject({ pass, offset_ms: 1500 })
  })
  it('list coming visits, the next one first', () => {
    saveTicket(visit('b', '2026-12-03T01:30:00Z'), undefined, undefined, now)
    saveTicket(visit('a', '2026-12-01T01:30:00Z'), undefined, undefined, now)
    saveTicket(visit('c', '2026-12-02T01:30:00Z', 'cancelled'), undefined, undefined, now)
    expect(savedTickets(now).map((one) => one.appointment.id)).toEqual(['a', 'b'])
  })
  it('go when over for two days, and all at once on logout', () => {
    saveTicket(visit('old', '2026-11-27T01:30:00Z'), undefined, undefined, now)
    expect(savedTicket('old')).toBeNull()
    saveTicket(visit('a', '2026-12-01T01:30:00Z'), undefined, undefined, now)
    clearTickets()
    expect(savedTickets(now)).toEqual([])
  })
})
