/** Fen as yuan with two places and groups of three: 1234500 as "12,345.00". */
export function yuanText(fen: number): string {
  const text = (Math.abs(fen) / 100).toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ',')
  return fen < 0 ? `−${text}` : text
}

/** "12.5" or "1,200" as fen; null when it is no sum of money. */
export function fenOf(text: string): number | null {
  const plain = text.replace(/[\s,，]/g, '')
  if (!/^\d{1,8}(\.\d{1,2})?$/.test(plain)) return null
  const [yuan = '0', part = ''] = plain.split('.')
  return Number(yuan) * 100 + Number(part.padEnd(2, '0'))
}

/** A payment code in groups of four, as it stands on the notice. */
export const payCodeText = (code: string): string => code.replace(/\s/g, '').replace(/(.{4})(?=.)/g, '$1 ')
