import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { dayText, whenText } from '../shared/dates'
import { civilDate, codeText, countdownText, isMorning, rangeText, todayIn } from '../shared/times'

describe('dates', () => {
  beforeAll(() => { vi.useFakeTimers({ now: Date.parse('2026-11-24T01:00:00Z') }) })
  afterAll(() => { vi.useRealTimers() })
  it('shows UTC instants in Xiamen time', () => {
    expect(whenText('2026-12-01T01:30:00Z', 'zh')).toBe('12月1日 周二 09:30')
    expect(whenText('2026-12-01T01:30:00Z', 'en')).toBe('Tue 1 Dec 09:30')
  })
  it('moves to the next civil day at 16:00 UTC', () => {
    expect(civilDate('2026-12-31T15:59:59Z')).toBe('2026-12-31')
    expect(civilDate('2026-12-31T16:00:00Z')).toBe('2027-01-01')
    expect(todayIn(Date.parse('2026-11-23T17:00:00Z'))).toBe('2026-11-24')
  })
  it('shows civil dates as they are', () => { expect(dayText('2026-02-28', 'zh')).toBe('2026年2月28日 周六') })
  it('names the year of a day further away than the nearest of its name', () => {
    expect(dayText('2027-05-24', 'zh')).toBe('5月24日 周一')
    expect(dayText('2027-05-26', 'zh')).toBe('2027年5月26日 周三')
    expect(dayText('2026-05-27', 'en')).toBe('Wed 27 May')
    expect(dayText('2025-12-30T01:30:00Z', 'en')).toBe('Tue 30 Dec 2025')
  })
  it('shows ranges and halves of the day', () => {
    expect(rangeText('2026-12-01T01:00:00Z', '2026-12-01T01:30:00Z')).toBe('09:00–09:30')
    expect(isMorning('2026-12-01T03:59:00Z')).toBe(true)
    expect(isMorning('2026-12-01T04:00:00Z')).toBe(false)
  })
  it('groups the eight digits', () => {
    expect(codeText('12345678')).toBe('1234 5678')
    expect(codeText('1234 5678')).toBe('1234 5678')
  })
  it('counts down to zero and not below', () => {
    expect(countdownText(245_000)).toBe('4:05')
    expect(countdownText(1)).toBe('0:01')
    expect(countdownText(-5)).toBe('0:00')
  })
})
