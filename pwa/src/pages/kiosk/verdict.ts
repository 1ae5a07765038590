/** Why a code is not accepted, in words. */
import { timeText, whenText } from '../../../shared/dates'
import type { KioskArrival } from '../../api/types'
import { t } from '../../i18n'
import { prefs } from '../../state/prefs'

export const verdictText = (answer: KioskArrival): string => t(`kiosk.verdict.${answer.verdict}`, {
  hall: answer.correct_hall?.name ?? '', from: answer.check_in_from ? timeText(answer.check_in_from) : '',
  day: answer.slot ? whenText(answer.slot.start, prefs.lang) : '', at: answer.used_at ? timeText(answer.used_at) : '',
})
