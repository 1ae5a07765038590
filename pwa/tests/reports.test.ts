import { describe, expect, it } from 'vitest'
import type { ReportFigure } from '../src/api/types'
import { barOf, counts, monthIn } from '../src/pages/staff/reports/words'

const figure = (value: string | null, numerator = 0, denominator = 0): ReportFigure => ({ code: 'x', value, numerator, denominator, target_percent: null, reached: null })

describe('the figures of a report', () => {
  it('draws a share as long as it is, and never beyond the row', () => {
    expect(barOf(figure('84.9'), 'percent', [])).toBe(84.9)
    expect(barOf(figure('163.0'), 'percent', [])).toBe(100)
    expect(barOf(figure('-3.2'), 'percent', [])).toBe(0)
    expect(barOf(figure(null), 'percent', [])).toBe(0)
  })

  it('draws days and minutes against the longest', () => {
    expect(barOf(figure('5.0'), 'days', [figure('10.0'), figure('5.0'), undefined])).toBe(50)
    expect(barOf(undefined, 'minutes', [undefined])).toBe(0)
  })

  it('says what was counted, waits in minutes', () => {
    expect(counts(figure('1.5', 90, 1), 'minutes')).toBe('2 / 1')
    expect(counts(figure('50.0', 90, 180), 'percent')).toBe('90 / 180')
  })

  it('cuts a month to the period', () => {
    expect(monthIn('2026-02-01', '2026-01-15', '2026-12-31')).toEqual({ first: '2026-02-01', last: '2026-02-28' })
    expect(monthIn('2026-01-01', '2026-01-15', '2026-01-20')).toEqual({ first: '2026-01-15', last: '2026-01-20' })
    expect(monthIn('2028-02-01', '2028-01-01', '2028-12-31')).toEqual({ first: '2028-02-01', last: '2028-02-29' })
  })
})
