/** Times as people in Xiamen read them. China has kept UTC+8 without summer time since 1992. */
export type Lang = 'zh' | 'en'

const OFFSET_MS = 8 * 3_600_000
const HALF_YEAR_MS = 182 * 86_400_000
const WEEKDAYS = { zh: ['周日', '周一', '周二', '周三', '周四', '周五', '周六'], en: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] }
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export const local = (iso: string) => new Date(Date.parse(iso) + OFFSET_MS)
export const two = (n: number) => String(n).padStart(2, '0')

/** "12月1日 周二" or "Tue 1 Dec" of a civil date or an instant; with its year when that is not the nearest such day. */
export function dayText(date: string, lang: Lang): string {
  const at = date.length === 10 ? new Date(`${date}T00:00:00Z`) : local(date)
  const [weekday, day, month] = [WEEKDAYS[lang][at.getUTCDay()] ?? '', at.getUTCDate(), at.getUTCMonth()]
  const year = Math.abs(at.getTime() - OFFSET_MS - Date.now()) > HALF_YEAR_MS ? at.getUTCFullYear() : 0
  if (lang === 'en') return `${weekday} ${day} ${MONTHS[month] ?? ''}${year ? ` ${year}` : ''}`
  return `${year ? `${year}年` : ''}${month + 1}月${day}日 ${weekday}`
}

/** "09:30" */
export function timeText(iso: string): string {
  const at = local(iso)
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`
}

/** "12月1日 周二 09:30" */
export const whenText = (iso: string, lang: Lang): string => `${dayText(iso, lang)} ${timeText(iso)}`

/** "2018年8月1日" or "1 August 2018", for what stays valid over years. */
export const longDay = (date: string, lang: Lang): string =>
  new Intl.DateTimeFormat(lang === 'zh' ? 'zh-CN' : 'en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(Date.parse(date))
