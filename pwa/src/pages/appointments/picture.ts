/** A picture of the ticket for the phone's album. It holds no rotating part, so staff also check the id card. */
import encodeQR from 'qr'

const WIDTH = 720
const HEIGHT = 1000
const FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'

export interface PictureTexts { title: string; code: string; when: string; where: string; item: string; note: string }

/** A PNG as data URL. */
export function ticketPicture(qrText: string, texts: PictureTexts): string {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT })
  const pen = canvas.getContext('2d')
  if (!pen) return ''
  pen.fillStyle = '#fff'
  pen.fillRect(0, 0, WIDTH, HEIGHT)
  pen.fillStyle = '#0b5cab'
  pen.fillRect(0, 0, WIDTH, 96)
  pen.textAlign = 'center'
  line(pen, texts.title, 62, 36, '#fff')
  drawCode(pen, qrText, 130, 460)
  line(pen, texts.code, 672, 64, '#14202e')
  line(pen, texts.when, 754, 40, '#14202e')
  line(pen, texts.where, 816, 32, '#14202e')
  line(pen, texts.item, 866, 32, '#14202e')
  line(pen, texts.note, 940, 26, '#4a5563')
  return canvas.toDataURL('image/png')
}

function line(pen: CanvasRenderingContext2D, text: string, y: number, size: number, colour: string): void {
  pen.font = `${size > 32 ? 700 : 400} ${size}px ${FONT}`
  pen.fillStyle = colour
  pen.fillText(text, WIDTH / 2, y, WIDTH - 60)
}

function drawCode(pen: CanvasRenderingContext2D, text: string, top: number, width: number): void {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 2 })
  const cell = Math.floor(width / rows.length)
  const left = Math.round((WIDTH - cell * rows.length) / 2)
  pen.fillStyle = '#000'
  rows.forEach((row, y) => row.forEach((dark, x) => { if (dark) pen.fillRect(left + x * cell, top + y * cell, cell, cell) }))
}
