/** Codes as they come from cameras, scanners and fingers. */
const PREFIX = 'WZW1.'

export const isPass = (text: string) => text.startsWith(PREFIX)
/** The address of a case, as its applicant's phone shows it. */
export const caseIn = (text: string) => /\/cases\/([0-9a-f-]{36})$/.exec(text.trim())?.[1] ?? null
export const isDigits = (text: string) => /^\d{8}$/.test(text)

/** Without the spaces people and scanners put in. */
export const tidy = (text: string) => text.replace(/\s/g, '')

/** A pass changes its last part every 30 seconds and is still the same pass. */
const identity = (text: string) => (isPass(text) ? text.split('.').slice(0, 2).join('.') : text)

/** Says whether a code is the one that has been in view all along; it may come again `awayMs` after it left. */
export function createMemory(awayMs = 3000): (text: string, now: number) => boolean {
  let last = ''
  let seenAt = -Infinity
  return (text, now) => {
    const same = identity(text) === last && now - seenAt < awayMs
    last = identity(text)
    seenAt = now
    return same
  }
}
