/** Finds a code in a camera picture: the browser's own detector, else the light decoder, and the heavy one when that sees nothing for a while. */

const LONG_SIDE = 800
const GIVE_UP_LIGHT_MS = 3000

interface Detector { detect: (source: CanvasImageSource) => Promise<{ rawValue: string }[]> }
interface DetectorClass { new (options: { formats: string[] }): Detector; getSupportedFormats: () => Promise<string[]> }
type Heavy = (frame: ImageData, bars: boolean) => Promise<string | null>

/** Some browsers have the class without the codes, and some throw: only one that lists what is looked for counts. */
async function ownDetector(formats: string[]): Promise<Detector | null> {
  const found = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector
  try {
    const known = found ? await found.getSupportedFormats() : []
    return found && formats.every((one) => known.includes(one)) ? new found({ formats }) : null
  } catch {
    return null
  }
}

/** `bars`: payment codes come as a QR code or as bars (CODE_128); only the browser's own detector and the heavy one read bars. */
export async function createReader(bars = false): Promise<(video: HTMLVideoElement) => Promise<string | null>> {
  let own = await ownDetector(bars ? ['qr_code', 'code_128'] : ['qr_code'])
  let light: ((frame: ImageData) => string | null) | null = null
  let heavy: Heavy | null = null
  let asked = false
  let lastHit = performance.now()
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })

  function askForHeavy(): void {
    asked = true
    import('./zxing').then((module) => { heavy = module.findWithZXing }, () => { heavy = null })
  }

  async function withHeavy(frame: ImageData): Promise<string | null> {
    if (!asked && performance.now() - lastHit > GIVE_UP_LIGHT_MS) askForHeavy()
    try {
      return heavy ? await heavy(frame, bars) : null
    } catch {
      heavy = null
      return null
    }
  }

  async function find(video: HTMLVideoElement): Promise<string | null> {
    if (own) {
      try {
        return (await own.detect(video))[0]?.rawValue ?? null
      } catch {
        own = null
      }
    }
    const scale = Math.min(1, LONG_SIDE / Math.max(video.videoWidth, video.videoHeight))
    canvas.width = Math.round(video.videoWidth * scale)
    canvas.height = Math.round(video.videoHeight * scale)
    if (!context || !canvas.width || !canvas.height) return null
    context.drawImage(video, 0, 0, canvas.width, canvas.height)
    const frame = context.getImageData(0, 0, canvas.width, canvas.height)
    light ??= await import('./lightScan').then((module) => module.findLight, () => () => null)
    return light(frame) ?? withHeavy(frame)
  }

  return async (video) => {
    const text = await find(video)
    if (text) lastHit = performance.now()
    return text
  }
}
