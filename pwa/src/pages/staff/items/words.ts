/** What a version says, and how its parts are called. */
import { longDay } from '../../../../shared/dates'
import { api } from '../../../api/client'
import type { ItemContent, ItemVersionHead } from '../../../api/types'
import { t } from '../../../i18n'
import { prefs } from '../../../state/prefs'
import { session } from '../../../state/session'
import { asStaff } from '../desk'

/** The server fills in what is missing, so here nothing is. */
export type Words = Required<ItemContent>
export interface Pair { zh: string; en: string }

export const KINDS = { draft: 'warn', in_review: 'info', scheduled: 'info', in_force: 'success', superseded: 'quiet', discarded: 'quiet' } as const
export const emptyPair = (): Pair => ({ zh: '', en: '' })
/** "/materials/0/name" → the id of its field. */
export const fieldId = (pointer: string): string => `c${pointer.replace(/\//g, '-')}`

export function emptyWords(slug: string): Words {
  return {
    code: '', handling_code: null, category: '', department: '', popularity: 0, name: emptyPair(), summary: emptyPair(), aliases: [], object: 'person', kind: 'service', instant: false,
    law_days: null, promise_days: null, district_days: [], visits: 1, visits_reason: null, depth: 1, handle_area: 'city', halls: [], self_service: false, partners: [],
    mail: { in: false, out: false, payer: 'none' }, online_url: null, free: true, fees: [], fee_borne_by: 'applicant', conditions: [], steps: [], materials: [], special_steps: [], commitment: null, credit_check: false, offline_filing: null,
    booking: { family: slug, minutes: 15, extra_minutes: 0, max_items: 1, max_people: 1, level: 1, pre_check: false }, consult_phone: '12345', verified: false, ended: null, extra: {},
  }
}

/** A new member's name among the others: "material-3". */
export function freeId(kind: string, taken: string[]): string {
  for (let n = taken.length + 1; ; n++) if (!taken.includes(`${kind}-${n}`)) return `${kind}-${n}`
}

let names: Promise<Map<string, string>> | undefined

/** Names of the operators by id. */
export function operators(): Promise<Map<string, string>> {
  names ??= asStaff(() => api.get<{ operators: { id: string; name: string }[] }>('/staff/operators'))
    .then((found) => new Map(found.operators.map((one) => [one.id, one.name])))
    .catch((error: unknown) => { names = undefined; throw error })
  return names
}

export function whoText(id: string | null, known: Map<string, string>): string {
  if (id === null || id === 'system') return t('items.by_seed')
  return id === session.staff?.id ? t('items.you') : known.get(id) ?? t('items.somebody')
}

export function whenText(one: ItemVersionHead): string {
  if (!one.effective_on) return ''
  return t(one.state === 'scheduled' ? 'items.from_later' : 'items.from', { day: longDay(one.effective_on, prefs.lang) })
}
