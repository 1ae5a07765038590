/** Dates, money and distances as people say them, in the language on screen. */
import * as dates from '../../../../shared/dates'
import { t } from '../../../i18n'
import { prefs } from '../../../state/prefs'
import type { Hall } from '../../../api/types'

export const dayText = (date: string) => dates.dayText(date, prefs.lang)
export const longDay = (date: string) => dates.longDay(date, prefs.lang)
export const whenText = (iso: string) => dates.whenText(iso, prefs.lang)

export const addressText = (hall: Hall) =>
  hall.address === null ? t('hall.address_unknown') : hall.address_verified ? hall.address : t('hall.address_unchecked', { address: hall.address })

export const kmText = (km: number) => t('hall.km', { km: km < 10 ? km.toFixed(1) : String(Math.round(km)) })
