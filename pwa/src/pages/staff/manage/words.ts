/** Settings, actions and changes in words. */
import { dayText, whenText } from '../../../../shared/dates'
import { yuanText } from '../../../../shared/money'
import type { Change, TrailEvent } from '../../../api/types'
import { t } from '../../../i18n'
import { prefs } from '../../../state/prefs'

const known = (key: string, otherwise: string) => { const text = t(key); return text === key ? otherwise : text }

/** A field's or setting's name. */
export const label = (name: string): string => known(`manage.setting.${name}`, known(`manage.field.${name}`, name))
export const actionText = (action: string): string => known(`manage.action.${action.startsWith('person.revealed.') ? 'person.revealed' : action}`, action)
export const weekdayText = (weekday: number): string => t(`manage.weekday.${weekday}`)

type Fact = Record<string, unknown>

/** Rules that differ by weekday alone stand on one line. */
function rulesText(rules: Fact[]): string {
  const groups = new Map<string, Fact[]>()
  for (const rule of rules) {
    const key = JSON.stringify({ ...rule, weekday: 0 }, Object.keys(rule).sort())
    groups.set(key, [...(groups.get(key) ?? []), rule])
  }
  return [...groups.values()].map(ruleText).join('\n')
}

function ruleText(alike: Fact[]): string {
  const [rule] = alike
  if (!rule) return ''
  const days = alike.map((one) => Number(one.weekday)).sort()
  const row = days.length > 2 && days.every((day, at) => day === Number(days[0]) + at)
  const weekday = row ? t('manage.rule.days', { first: weekdayText(Number(days[0])), last: weekdayText(Number(days[days.length - 1])) }) : days.map(weekdayText).join(t('staff.comma'))
  const until = rule.valid_to ? t('manage.rule.until', { day: dayText(String(rule.valid_to), prefs.lang) }) : ''
  return t('manage.rule.line', {
    weekday, from: String(rule.from), to: String(rule.to), windows: Number(rule.windows), places: Number(rule.capacity), since: dayText(String(rule.valid_from), prefs.lang),
  }) + until
}

const isRule = (value: unknown): value is Fact => typeof value === 'object' && value !== null && 'weekday' in value

/** Marks of files and objects, which say nothing to a reader; the table has them. */
const MARKS = new Set(['application', 'signature', 'authorisation', 'digest'])

function valueText(value: unknown, name: string, queues?: Map<string, string>): string {
  if (value === null || value === undefined || value === '') return t('manage.nothing')
  if (typeof value === 'boolean') return t(value ? 'manage.yes' : 'manage.no')
  if (Array.isArray(value) && value.length && value.every(isRule)) return rulesText(value)
  if (Array.isArray(value) && name === 'shipments') return String(value.length)
  if (Array.isArray(value)) return value.map((one) => valueText(one, name, queues)).join(t('staff.comma'))
  if (typeof value === 'object') {
    const fact = value as Fact
    if ('part' in fact) return t('manage.day_fact', { part: t(`manage.part.${fact.part}`), what: t(fact.open ? 'manage.opened' : 'manage.closed'), reason: String(fact.reason ?? '') })
    return Object.entries(fact).filter(([, inner]) => inner !== null).map(([key, inner]) => `${label(key)} ${valueText(inner, key)}`).join(t('staff.comma'))
  }
  if (name === 'categories') return queues?.get(String(value)) ?? String(value)
  if (name === 'amount_fen') return yuanText(Number(value))
  if (name === 'how') return known(`manage.how.${value}`, String(value))
  if (name === 'roles') return known(`manage.role.${value}`, String(value))
  return String(value)
}

export interface Line { name: string; before: string | null; after: string }

/** Before and after of one event, line by line. */
export function linesOf(changes: Change[], queues?: Map<string, string>): Line[] {
  return changes.filter((one) => !MARKS.has(one.name)).map((one) => ({
    name: one.name === 'items' ? '' : label(one.name),
    before: 'before' in one ? valueText(one.before, one.name) : null,
    after: valueText(one.after, one.name, queues),
  }))
}

/** Things that are called by their time: "2026-11-30 09:00" of Xiamen's clock. */
const TIMES = new Set(['appointment', 'slot'])

/** What an event is about, as people of the hall call it. */
export function aboutText(event: TrailEvent, categories: Map<string, string>): string {
  const last = event.object_id.split('/')[1] ?? ''
  if (event.object_name && TIMES.has(event.object_type)) return whenText(`${event.object_name.replace(' ', 'T')}+08:00`, prefs.lang)
  if (event.object_name) return event.object_name
  if (event.object_type === 'opening_rule' || event.object_type === 'booking_policy') return categories.get(last) ?? last
  if (event.object_type === 'window') return t('manage.audit.window', { n: last })
  if (event.object_type === 'day') return dayText(event.object_id, prefs.lang)
  return ''
}

export const eventTime = (event: TrailEvent): string => whenText(event.at, prefs.lang)
export const whoText = (event: TrailEvent): string => event.actor.name ?? t(`manage.audit.by_${event.actor.kind}`)

/** "2026-12-01" so many days after a civil date. */
export function daysLater(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}
