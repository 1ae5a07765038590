/** What the board says aloud. Both languages are spoken one after the other, so they stand here together. */
export interface Call { id: number; number: string; window: number }

const DIGITS = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九']

/** Calls after `lastId`, the oldest first. */
export const callsAfter = <C extends Call>(calls: C[], lastId: number): C[] =>
  calls.filter((call) => call.id > lastId).sort((a, b) => a.id - b.id)

/** "请 A 零 零 一 号 到 3 号窗口": digit by digit, as people listen for it. */
export function spoken(call: Call): { lang: string; text: string }[] {
  const letters = [...call.number]
  const zh = letters.map((one) => DIGITS[Number(one)] ?? one).join(' ')
  return [
    { lang: 'zh-CN', text: `请 ${zh} 号 到 ${call.window} 号窗口` },
    { lang: 'en-GB', text: `Number ${letters.join(' ')}, please go to window ${call.window}` },
  ]
}
