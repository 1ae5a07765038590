import { beforeEach, describe, expect, it } from 'vitest'
import type { Hold } from '../src/api/types'
import { bookingDraft, chooseDate, chooseExtra, chooseHall, chooseMatter, choosePeople, emptyDraft, forgetDraft, holdFits, slugsOf, stepFor } from '../src/state/drafts'

const slot = { id: 's1', start: '2026-12-01T01:30:00Z', end: '2026-12-01T02:00:00Z' }
const hold = { id: 'h1', expires_at: '2026-11-24T01:05:00Z', slot, people: 1, items: [{ slug: 'passport', name: '护照' }], for_person: { id: 'p1', name_masked: null, is_me: true } } as Hold
const full = () => ({
  ...emptyDraft('passport'), hall: { code: 'XM', name: '市厅' }, date: '2026-12-01', slot, person: { id: null, name: '' },
})

beforeEach(() => { sessionStorage.clear() })

describe('booking draft', () => {
  it('begins anew for a case, with its person and the hall where the result waits', () => {
    const draft = { ...emptyDraft('passport'), date: '2026-12-01', slot, people: 3 }
    chooseMatter(draft, { application: 'a1', number: '26', hall: 'XM' }, { id: 'p2', name: '张*' }, { code: 'XM', name: '市厅' })
    expect(draft).toEqual({ ...emptyDraft('passport'), matter: { application: 'a1', number: '26', hall: 'XM' }, person: { id: 'p2', name: '张*' }, hall: { code: 'XM', name: '市厅' } })
    expect(stepFor(draft, 'check')).toBe('date')
  })

  it('leads to the first step that is missing', () => {
    const draft = emptyDraft('passport')
    expect(stepFor(draft, 'check')).toBe('hall')
    chooseHall(draft, { code: 'XM', name: '市厅' })
    expect(stepFor(draft, 'check')).toBe('date')
    chooseDate(draft, '2026-12-01')
    expect(stepFor(draft, 'check')).toBe('time')
    draft.slot = slot
    expect(stepFor(draft, 'check')).toBe('who')
    draft.person = { id: null, name: '' }
    expect(stepFor(draft, 'check')).toBe('check')
    expect(stepFor(draft, 'date')).toBe('date')
  })
  it('forgets later answers that no longer fit, and only those', () => {
    const draft = full()
    chooseHall(draft, { code: 'XM', name: '市厅' })
    expect(draft.slot).toEqual(slot)
    chooseDate(draft, '2026-12-02')
    expect(draft.slot).toBeNull()
    chooseHall(draft, { code: 'SM', name: '思明' })
    expect(draft.date).toBeNull()
    expect(draft.person).not.toBeNull()
  })
  it('asks for the time again when the visit changes its length, and keeps the rest', () => {
    const draft = full()
    chooseExtra(draft, [{ slug: 'visa', name: '签证' }])
    expect(slugsOf(draft)).toEqual(['passport', 'visa'])
    expect([draft.hall?.code, draft.date, draft.slot]).toEqual(['XM', null, null])
    Object.assign(draft, { date: '2026-12-01', slot })
    chooseExtra(draft, [{ slug: 'visa', name: 'Visa' }])
    choosePeople(draft, 1)
    expect(draft.slot).toEqual(slot)
    choosePeople(draft, 2)
    expect([draft.date, draft.slot, draft.person?.id]).toEqual([null, null, null])
  })
  it('is kept in the tab and can be forgotten', () => {
    bookingDraft('a').date = '2026-12-01'
    expect(JSON.parse(sessionStorage.getItem('book:a') ?? '{}')).toMatchObject({ date: '2026-12-01' })
    forgetDraft('a')
    expect(bookingDraft('a').date).toBeNull()
    expect(sessionStorage.getItem('book:a')).toBeNull()
  })
  it('reuses a hold only for the same answers and before it ends', () => {
    const before = Date.parse('2026-11-24T01:00:00Z')
    const draft = { ...full(), hold }
    expect(holdFits(draft, before)).toBe(true)
    expect(holdFits(draft, Date.parse(hold.expires_at))).toBe(false)
    expect(holdFits({ ...draft, people: 2 }, before)).toBe(false)
    const matter = { application: 'a1', number: '26', hall: 'XM' }
    expect(holdFits({ ...draft, matter }, before)).toBe(false)
    const forCase = { application_id: 'a1', case_id: 'c1', number: '26', checked: true }
    expect(holdFits({ ...draft, matter, hold: { ...hold, matter: forCase } }, before)).toBe(true)
    expect(holdFits({ ...draft, hold: { ...hold, matter: forCase } }, before), 'a checked case is found by itself').toBe(true)
    expect(holdFits({ ...draft, person: { id: 'p2', name: '' } }, before)).toBe(false)
    expect(holdFits({ ...draft, slot: { ...slot, id: 's2' } }, before)).toBe(false)
    expect(holdFits({ ...draft, extra: [{ slug: 'visa', name: '签证' }] }, before)).toBe(false)
  })
})
