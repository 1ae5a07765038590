/** A picture of the receipt's figures for the phone's album; the receipt itself stays at finance. */
const WIDTH = 720
const HEIGHT = 760
const EDGE = 48
const FONT = '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'

/** A PNG as data URL. */
export function receiptPicture(title: string, rows: [string, string][], note: string): string {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT })
  const pen = canvas.getContext('2d')
  if (!pen) return ''
  pen.fillStyle = '#fff'
  pen.fillRect(0, 0, WIDTH, HEIGHT)
  pen.fillStyle = '#0b5cab'
  pen.fillRect(0, 0, WIDTH, 96)
  const write = (text: string, x: number, y: number, size: number, colour: string, most = WIDTH - x - EDGE) => {
    pen.font = `${size}px ${FONT}`
    pen.fillStyle = colour
    pen.fillText(text, x, y, most)
  }
  write(title, EDGE, 62, 36, '#fff')
  rows.forEach(([key, value], at) => {
    write(key, EDGE, 168 + at * 64, 26, '#4a5563', 200)
    write(value, 270, 168 + at * 64, 30, '#14202e')
  })
  write(note, EDGE, HEIGHT - 40, 24, '#4a5563')
  return canvas.toDataURL('image/png')
}
