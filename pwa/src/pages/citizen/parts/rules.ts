/** Checks that need no server. */
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
const CHECKS = '10X98765432'

/** Eighteen characters, a real birth date and the ISO 7064 MOD 11-2 check character of GB 11643. */
export function isIdNumber(text: string): boolean {
  const id = text.trim().toUpperCase()
  if (!/^\d{17}[\dX]$/.test(id)) return false
  const iso = `${id.slice(6, 10)}-${id.slice(10, 12)}-${id.slice(12, 14)}`
  const born = new Date(`${iso}T00:00:00Z`)
  if (Number.isNaN(born.getTime()) || born.toISOString().slice(0, 10) !== iso) return false
  const sum = WEIGHTS.reduce((total, weight, at) => total + weight * Number(id[at]), 0)
  return CHECKS[sum % 11] === id[17]
}

export const isMobile = (text: string) => /^1[3-9]\d{9}$/.test(text.replace(/\s/g, ''))

/** Only a path inside this site: no scheme, no host, no backslash trick. */
export function localPath(text: unknown): string {
  return typeof text === 'string' && /^\/(?![/\\])[^\\\s\u0000-\u001f]*$/.test(text) ? text : '/'
}
