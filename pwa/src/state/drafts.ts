/** What the person has chosen while booking one item; survives reload and back, ends with the browser tab. */
import { effectScope, reactive, watch } from 'vue'
import type { Hold, ItemRef, SlotRef } from '../api/types'
import { read, write } from './storage'

export interface BookingDraft {
  slug: string
  /** Other matters of the same window category, done in the same visit. */
  extra: ItemRef[]
  hall: { code: string; name: string } | null
  date: string | null
  slot: SlotRef | null
  /** null: not answered; id null: for the person logged in. */
  person: { id: string | null; name: string } | null
  people: number
  /** The case the visit is for, with the hall in charge of it; it serves the case's person. */
  matter: { application: string; number: string; hall: string } | null
  hold: Hold | null
  confirmKey: string | null
}

export type BookingStep = 'hall' | 'date' | 'time' | 'who' | 'check'

const key = (slug: string) => `book:${slug}`
const live = new Map<string, BookingDraft>()
const scope = effectScope(true)

export const emptyDraft = (slug: string): BookingDraft =>
  ({ slug, extra: [], hall: null, date: null, slot: null, person: null, people: 1, matter: null, hold: null, confirmKey: null })

export function bookingDraft(slug: string): BookingDraft {
  const known = live.get(slug)
  if (known) return known
  const draft = reactive({ ...emptyDraft(slug), ...read<Partial<BookingDraft>>(sessionStorage, key(slug)), slug }) as BookingDraft
  scope.run(() => watch(draft, () => write(sessionStorage, key(slug), draft), { deep: true, flush: 'sync' }))
  live.set(slug, draft)
  return draft
}

export function forgetDraft(slug: string): void {
  Object.assign(bookingDraft(slug), emptyDraft(slug))
  write(sessionStorage, key(slug), null)
}

export function forgetAllDrafts(): void {
  for (const slug of live.keys()) forgetDraft(slug)
}

/** Changing the hall or the day forgets the later answers that no longer fit. */
export function chooseHall(draft: BookingDraft, hall: { code: string; name: string }): void {
  if (draft.hall?.code !== hall.code) Object.assign(draft, { date: null, slot: null })
  draft.hall = { code: hall.code, name: hall.name }
}

export function chooseDate(draft: BookingDraft, date: string): void {
  if (draft.date !== date) draft.slot = null
  draft.date = date
}

/** A visit of another length needs another time; other matters may need another hall too. */
export function chooseExtra(draft: BookingDraft, extra: ItemRef[]): void {
  const slugs = (items: ItemRef[]) => items.map((one) => one.slug).join()
  if (slugs(draft.extra) !== slugs(extra)) Object.assign(draft, { date: null, slot: null })
  draft.extra = extra.map(({ slug, name }) => ({ slug, name }))
}

export function choosePeople(draft: BookingDraft, people: number): void {
  if (draft.people !== people) Object.assign(draft, { date: null, slot: null })
  draft.people = people
}

/** Begins anew for a case: in its hall when the result waits there, else with that hall named first. */
export function chooseMatter(draft: BookingDraft, matter: NonNullable<BookingDraft['matter']>, person: BookingDraft['person'], hall: { code: string; name: string } | null): void {
  Object.assign(draft, emptyDraft(draft.slug), { matter, person, hall })
}

export const slugsOf = (draft: BookingDraft): string[] => [draft.slug, ...draft.extra.map((one) => one.slug)]

/** The first step before `wanted` that still lacks its answer, or `wanted`. */
export function stepFor(draft: BookingDraft, wanted: BookingStep): BookingStep {
  if (wanted === 'hall') return 'hall'
  if (!draft.hall) return 'hall'
  if (wanted === 'date') return 'date'
  if (!draft.date) return 'date'
  if (wanted === 'time') return 'time'
  if (!draft.slot) return 'time'
  if (wanted === 'who') return 'who'
  return draft.person ? 'check' : 'who'
}

/** Whether the kept hold is for exactly these answers and still runs. */
export function holdFits(draft: BookingDraft, now: number): boolean {
  const { hold, slot, person } = draft
  if (!hold || !slot || !person || Date.parse(hold.expires_at) <= now) return false
  const samePerson = person.id === null ? hold.for_person.is_me : hold.for_person.id === person.id
  const sameItems = slugsOf(draft).sort().join() === hold.items.map((one) => one.slug).sort().join()
  const sameMatter = draft.matter === null || hold.matter?.application_id === draft.matter.application
  return sameMatter && hold.slot.id === slot.id && hold.people === draft.people && samePerson && sameItems
}
