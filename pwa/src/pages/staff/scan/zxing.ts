/** The heavier decoder, with its WebAssembly from our own server; loaded only when the light one finds nothing. */
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import wasm from 'zxing-wasm/reader/zxing_reader.wasm?url'

prepareZXingModule({ overrides: { locateFile: (path: string, prefix: string) => (path.endsWith('.wasm') ? wasm : prefix + path) } })

export async function findWithZXing(frame: ImageData, bars: boolean): Promise<string | null> {
  const [found] = await readBarcodes(frame, { formats: bars ? ['QRCode', 'Code128'] : ['QRCode'], tryHarder: true, maxNumberOfSymbols: 1 })
  return found?.isValid ? found.text : null
}
