/** The light decoder: pure script, for browsers without a detector of their own. */
import decodeQR from 'qr/decode.js'

const LIMIT_MS = 25

export function findLight(frame: { width: number; height: number; data: Uint8ClampedArray }): string | null {
  try {
    return decodeQR(frame, { timeLimit: LIMIT_MS })
  } catch {
    return null
  }
}
