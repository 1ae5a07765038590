/** More of the same for pages that are opened later; the first load carries only `dates`. */
import { local, timeText, two } from './dates'

/** "2026-12-01" of an instant. */
export const civilDate = (iso: string): string => local(iso).toISOString().slice(0, 10)
export const todayIn = (now: number): string => civilDate(new Date(now).toISOString())

export const rangeText = (start: string, end: string): string => `${timeText(start)}–${timeText(end)}`
export const isMorning = (iso: string): boolean => local(iso).getUTCHours() < 12

/** "12345678" as "1234 5678" */
export const codeText = (code: string): string => code.replace(/\s/g, '').replace(/^(\d{4})(\d+)$/, '$1 $2')

/** Remaining time as "4:05"; never below zero. */
export function countdownText(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`
}
