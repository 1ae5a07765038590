/** Fees and opening hours as people say them. */
import { t } from '../../../i18n'
import type { Fee, OpenHours } from '../../../api/types'

/** An amount that nobody has checked against the charge list is never shown as a number. */
export function feeText(fee: Fee): string {
  if (!fee.verified || fee.amount_fen === null) return t('item.fee_at_hall')
  if (fee.amount_fen === 0) return t('item.free')
  const yuan = (fee.amount_fen / 100).toFixed(fee.amount_fen % 100 ? 2 : 0)
  return fee.unit ? t('item.fee_amount_per', { yuan, unit: fee.unit }) : t('item.fee_amount', { yuan })
}

export function weekdaysText(weekdays: number[]): string {
  const days = [...weekdays].sort((a, b) => a - b)
  const first = days[0]
  const last = days[days.length - 1]
  if (first === undefined || last === undefined) return ''
  if (days.length > 2 && last - first === days.length - 1) return t('hall.days_range', { from: t(`hall.day${first}`), to: t(`hall.day${last}`) })
  return days.map((one) => t(`hall.day${one}`)).join(t('hall.comma'))
}

export const hoursText = (hours: OpenHours) => `${weekdaysText(hours.weekdays)} ${hours.from}–${hours.to}`
