/** When a courier may come to fetch papers: parts of the next days, as the choices of the page. */
import { dayText, type Lang } from '../../../../shared/dates'
import { todayIn } from '../../../../shared/times'

const PARTS = [['09:00', '12:00'], ['14:00', '18:00']] as const
const DAYS = 3
const DAY_MS = 86_400_000
/** The last of a part that is still worth offering. */
const AHEAD_MS = 3_600_000

const instant = (day: string, time: string) => new Date(`${day}T${time}:00+08:00`)

export function pickupChoices(now: number, lang: Lang): { value: string; label: string }[] {
  return Array.from({ length: DAYS }, (_, ahead) => todayIn(now + ahead * DAY_MS)).flatMap((day) => PARTS
    .filter(([, until]) => instant(day, until).getTime() >= now + AHEAD_MS)
    .map(([from, until]) => ({ value: `${day} ${from} ${until}`, label: `${dayText(day, lang)} ${from}–${until}` })))
}

/** The chosen part as the server wants it; null when the courier may come at any time. */
export function pickupOf(value: string): { begins_at: string; ends_at: string } | null {
  const [day, from, until] = value.split(' ')
  return day && from && until ? { begins_at: instant(day, from).toISOString(), ends_at: instant(day, until).toISOString() } : null
}
