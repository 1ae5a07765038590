/** The part of the entrance code that changes every 30 seconds, computed without network. */
const BLANK = '00000000'

export const stepAt = (ms: number, stepSeconds = 30): number => Math.floor(ms / 1000 / stepSeconds)

/** First 8 hex characters of HMAC-SHA256(secret, decimal step). Without WebCrypto the code says "check identity" at the gate. */
export async function rotatingPart(secret: string, step: number): Promise<string> {
  if (!globalThis.crypto?.subtle) return BLANK
  const utf8 = new TextEncoder()
  const key = await crypto.subtle.importKey('raw', utf8.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8.encode(String(step))))
  return Array.from(mac.slice(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export const codeTextOf = (fixed: string, rotating: string): string => `WZW1.${fixed}.${rotating}`
