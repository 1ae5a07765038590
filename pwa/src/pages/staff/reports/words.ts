/** Figures in words. */
import type { Indicator, ReportFigure } from '../../../api/types'
import { t } from '../../../i18n'

export const WATCHES = ['overdue', 'returned', 'bad_rated', 'late_reply', 'more_visits'] as const

export const shown = (figure: ReportFigure | undefined, unit: Indicator['unit']): string =>
  figure?.value == null ? t('manage.nothing') : t(`reports.unit_${unit}`, { n: figure.value })

/** What was counted over what, with waits in minutes. */
export const counts = (figure: ReportFigure | undefined, unit: Indicator['unit']): string =>
  figure ? `${unit === 'minutes' ? Math.round(figure.numerator / 60) : figure.numerator} / ${figure.denominator}` : t('manage.nothing')

/** How long a figure's bar is, in percent of the row: shares as they are, others against the longest. */
export function barOf(figure: ReportFigure | undefined, unit: Indicator['unit'], all: (ReportFigure | undefined)[]): number {
  const value = Number(figure?.value ?? 0)
  const most = unit === 'percent' ? 100 : Math.max(1, ...all.map((one) => Number(one?.value ?? 0)))
  return Math.max(0, Math.min(100, (100 * value) / most))
}

/** The first and last day of a month of the period. */
export function monthIn(month: string, first: string, last: string): { first: string; last: string } {
  const [year, number] = month.split('-').map(Number)
  const end = new Date(Date.UTC(year ?? 0, number ?? 0, 0)).toISOString().slice(0, 10)
  return { first: month > first ? month : first, last: end < last ? end : last }
}
