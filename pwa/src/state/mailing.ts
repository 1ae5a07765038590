/** What the person has chosen while ordering a courier; survives reload and back, ends with the browser tab. */
import { reactive, watch } from 'vue'
import { newKey } from '../api/key'
import type { Direction, Quote } from '../api/types'
import { read, write } from './storage'

export interface Mailing {
  /** `appointment`, `case`, or `case_number` for a number from another system, which needs item and hall. */
  subjectType: string
  subjectId: string
  /** What the person called it when choosing. */
  title: string
  item: { slug: string; name: string } | null
  hall: string | null
  direction: Direction | null
  addressId: string | null
  /** A day and a part of it, as `2026-12-01 09:00 12:00`; empty when the courier may come at any time. */
  pickup: string
  key: string
}

const PLACE = 'mailing'
const empty = (): Mailing => ({ subjectType: '', subjectId: '', title: '', item: null, hall: null, direction: null, addressId: null, pickup: '', key: newKey() })
export const mailing = reactive<Mailing>({ ...empty(), ...read<Partial<Mailing>>(sessionStorage, PLACE) })
watch(mailing, () => write(sessionStorage, PLACE, mailing), { deep: true, flush: 'sync' })

export function beginMailing(known: Partial<Mailing> = {}): void {
  Object.assign(mailing, empty(), known)
}

/** The request for what an order would cost. */
export const wishOf = (draft: Mailing) => ({
  subject_type: draft.subjectType, subject_id: draft.subjectId, direction: draft.direction, address_id: draft.addressId,
  item: draft.subjectType === 'case_number' ? draft.item?.slug ?? null : null, hall: draft.subjectType === 'case_number' ? draft.hall : null,
})

export const quoteOver = (quote: Quote, now: number): boolean => Date.parse(quote.expires_at) <= now
