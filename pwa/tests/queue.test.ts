import { describe, expect, it } from 'vitest'
import { isStale, pauseAfter, pollEvery, queueOf, standing, waitRange } from '../shared/queue'
import { callsAfter, spoken } from '../shared/voice'

const queue = (line: string[], windows = 1, coming = 0) => ({ code: 'a', line, windows, pace: [6, 12], coming })
const picture = {
  queues: [queue(['A002', 'A003']), { ...queue(['B001']), code: 'b' }],
  windows: [{ window: 3, number: 'A001', serving: false }, { window: 4, number: 'B009', serving: true }],
  calls: [{ number: 'A001', times: 2 }],
  passed: ['A009'],
  parked: ['B008'],
}

describe('a number in the picture', () => {
  it('is in line with the people before it, whatever its queue', () => {
    expect(standing(picture, 'A003')).toEqual({ at: 'line', ahead: 1, times: 0 })
    expect(standing(picture, 'B001')).toEqual({ at: 'line', ahead: 0, times: 0 })
    expect(queueOf(picture, 'B001')?.code).toBe('b')
    expect(queueOf(picture, 'A001')).toBeNull()
  })
  it('is called, served, missed, parked or gone', () => {
    expect(standing(picture, 'A001')).toEqual({ at: 'called', ahead: null, times: 2 })
    expect(['B009', 'A009', 'B008', 'A777'].map((one) => standing(picture, one).at)).toEqual(['serving', 'passed', 'parked', 'gone'])
  })
})

describe('the wait', () => {
  it('says nothing without an open window', () => { expect(waitRange(queue([], 0), 3)).toBeNull() })
  it('is a range in steps of five, rounded away from its middle', () => {
    expect(waitRange(queue([]), 0)).toEqual({ from: 0, to: 15 })
    expect(waitRange(queue([]), 3)).toEqual({ from: 15, to: 50 })
    expect(waitRange(queue([], 2), 3)).toEqual({ from: 5, to: 25 })
  })
  it('counts the booked people who come meanwhile', () => {
    expect(waitRange(queue([], 1, 5), 3)).toEqual({ from: 15, to: 100 })
    expect(waitRange(queue([], 1, 5), 0)).toEqual({ from: 0, to: 25 })
  })
  it('never ends where it begins', () => { expect(waitRange({ ...queue([], 10), pace: [6, 6] }, 10)).toEqual({ from: 5, to: 10 }) })
})

it('asks less often after failures, and calls an old answer old', () => {
  expect([0, 1, 2, 3, 4, 9].map((failures) => pauseAfter(failures))).toEqual([2000, 4000, 8000, 16_000, 20_000, 20_000])
  expect([isStale(0, 6000), isStale(0, 6001)]).toEqual([false, true])
})

it('asks soonest where the number may be the next, and less often far down the line', () => {
  const inLine = (ahead: number, windows: number) => pollEvery({ at: 'line', ahead, times: 0 }, windows)
  expect([0, 3, 4, 10, 11, 30, 31].map((ahead) => inLine(ahead, 1))).toEqual([900, 900, 2000, 2000, 5000, 5000, 10_000])
  expect([inLine(12, 6), inLine(13, 6)]).toEqual([900, 5000])
  expect(pollEvery({ at: 'called', ahead: null, times: 1 }, 1)).toBe(900)
  expect([pollEvery({ at: 'serving', ahead: null, times: 1 }, 1), pollEvery(null, 0)]).toEqual([2000, 2000])
  expect([isStale(0, 14_000, 10_000), isStale(0, 14_001, 10_000), pauseAfter(1, 10_000)]).toEqual([false, true, 20_000])
})

it('speaks each new call once, oldest first, in both languages', () => {
  const calls = [{ id: 7, number: 'A001', window: 3 }, { id: 6, number: 'B010', window: 1 }, { id: 5, number: 'C002', window: 2 }]
  expect(callsAfter(calls, 5).map((one) => one.id)).toEqual([6, 7])
  expect(callsAfter(calls, 7)).toEqual([])
  expect(spoken({ id: 7, number: 'A001', window: 3 }).map((one) => one.text)).toEqual([
    '请 A 零 零 一 号 到 3 号窗口', 'Number A 0 0 1, please go to window 3',
  ])
})
