/** What the live picture of a hall says about one number. Minutes are whole; numbers are as printed, such as "A001". */
export interface Line { line: string[]; windows: number; pace: number[]; coming: number }
export interface Picture {
  queues: (Line & { code: string })[]
  windows: { window: number; number: string | null; serving: boolean }[]
  calls: { number: string; times: number }[]
  passed: string[]
  parked: string[]
}
export interface Range { from: number; to: number }
export interface Standing { at: 'line' | 'called' | 'serving' | 'passed' | 'parked' | 'gone'; ahead: number | null; times: number }

export const POLL_MS = 2000
/** Where the next call may be for this number, or for any: with the second a picture is kept, under two seconds in all. */
export const NEAR_MS = 900
const LATE_MS = 4000
const SLOWEST_MS = 20_000
const STEP = 5

/** Where a number is now, and how many people are called before it. */
export function standing(picture: Picture, number: string): Standing {
  const ahead = picture.queues.map((queue) => queue.line.indexOf(number)).find((place) => place >= 0) ?? null
  const window = picture.windows.find((one) => one.number === number)
  const times = picture.calls.find((one) => one.number === number)?.times ?? 0
  const at = ahead !== null ? 'line' : window ? (window.serving ? 'serving' : 'called')
    : picture.passed.includes(number) ? 'passed' : picture.parked.includes(number) ? 'parked' : 'gone'
  return { at, ahead, times }
}

export const queueOf = <Q extends Line>(picture: { queues: Q[] }, number: string): Q | null =>
  picture.queues.find((queue) => queue.line.includes(number)) ?? null

/**
 * Minutes until somebody with `ahead` people before them is called. From: windows finish soon and all are quick. To: all are slow,
 * every window has just begun, and the booked people expected meanwhile (`coming` in an hour) go first. Null without an open window.
 */
export function waitRange(queue: Line, ahead: number): Range | null {
  const [quick, slow] = queue.pace
  if (queue.windows < 1 || quick === undefined || slow === undefined) return null
  const alone = (slow * (ahead + 1)) / queue.windows
  const arriving = (queue.coming * Math.min(alone, 60)) / 60
  const longest = (slow * (ahead + 1 + arriving)) / queue.windows
  const from = Math.floor((quick * ahead) / queue.windows / STEP) * STEP
  return { from, to: Math.max(Math.ceil(longest / STEP) * STEP, from + STEP) }
}

/** Pause between questions for one number: shortest where it may be the next, longer the more people stand before it. */
export function pollEvery(standing: Standing | null, windows: number): number {
  if (standing === null || (standing.at !== 'line' && standing.at !== 'called')) return POLL_MS
  const ahead = standing.ahead ?? 0
  if (ahead <= Math.max(3, 2 * windows)) return NEAR_MS
  return ahead <= 10 ? POLL_MS : ahead <= 30 ? 5000 : 10_000
}

/** Pause before the next question, after this many failures in a row. */
export const pauseAfter = (failures: number, every = POLL_MS): number => Math.min(every * 2 ** failures, SLOWEST_MS)

export const isStale = (answeredMs: number, nowMs: number, every = POLL_MS): boolean => nowMs - answeredMs > every + LATE_MS
