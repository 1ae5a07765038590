/** Colours of deadlines and days in words. */
import { dayText } from '../../../../shared/dates'
import { prefs } from '../../../state/prefs'

export const COLOURS = { green: 'success', yellow: 'info', orange: 'warn', red: 'error' } as const

export const day = (date: string | null): string => (date ? dayText(date, prefs.lang) : '–')
