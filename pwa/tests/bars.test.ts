// @vitest-environment node
import { beforeAll, describe, expect, it } from 'vitest'
import { prepareZXingModule } from 'zxing-wasm/reader'
import wasm from 'zxing-wasm/reader/zxing_reader.wasm?url&inline'
import { findWithZXing } from '../src/pages/staff/scan/zxing'

const CODE = '134567890123456789'
const STOP = '2331112'
/** Widths of bars and gaps of the signs of CODE_128, by value; 105 begins code set C, two digits a sign (ISO/IEC 15417). */
const SIGNS: Record<number, string> = { 1: '222122', 13: '122132', 23: '312131', 45: '113123', 67: '141122', 88: '421211', 89: '212141', 105: '211232' }

/** The modules of a payment code as bars: start, two digits a sign, check sign, stop. */
function bars(digits: string): boolean[] {
  const values = [105, ...digits.match(/../g)!.map(Number)]
  const check = values.reduce((sum, value, at) => sum + value * Math.max(at, 1), 0) % 103
  const widths = [...values, check].map((value) => SIGNS[value]).join('') + STOP
  return [...widths].flatMap((width, at) => Array.from({ length: Number(width) }, () => at % 2 === 0))
}

/** A phone that shows the bars, as a camera of 800 pixels sees it; `degrees` off the level. */
function frameOf(modules: boolean[], scale: number, degrees: number): ImageData {
  const [width, height] = [800, 450]
  const turn = (degrees * Math.PI) / 180
  const data = new Uint8ClampedArray(width * height * 4).fill(235)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - width / 2, y - height / 2]
      const u = Math.floor((dx * Math.cos(turn) + dy * Math.sin(turn)) / scale + modules.length / 2)
      const v = dy * Math.cos(turn) - dx * Math.sin(turn)
      if (Math.abs(v) < 70 && modules[u]) data.fill(30, (y * width + x) * 4, (y * width + x) * 4 + 3)
      data[(y * width + x) * 4 + 3] = 255
    }
  }
  return { width, height, data, colorSpace: 'srgb' } as ImageData
}

describe('the heavy decoder', () => {
  beforeAll(async () => {
    prepareZXingModule({ overrides: { wasmBinary: await (await fetch(wasm)).arrayBuffer() } })
  })
  it.each([[3, 0], [4, 0], [3, 4], [4, -6]])('reads a payment code in bars of %i pixels at %i degrees, where bars are looked for', async (scale, degrees) => {
    const frame = frameOf(bars(CODE), scale, degrees)
    expect(await findWithZXing(frame, true)).toBe(CODE)
    expect(await findWithZXing(frame, false)).toBe(null)
  })
})
