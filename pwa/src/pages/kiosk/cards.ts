/** Reading id cards: the reader of the machine, which its program offers as `cardReader`, and in demonstrations seven invented people. */
export interface Card { name: string; id_number: string }

declare global {
  interface Window { cardReader?: { read: () => Promise<Card> } }
}

/** All of the unassigned division 350299, which production refuses. */
export const DEMO_CARDS: Card[] = [
  { name: '张测试', id_number: '350299199001010010' },
  { name: '李测试', id_number: '350299199001010029' },
  { name: '王长者', id_number: '350299195506150037' },
  { name: '陈小童', id_number: '350299201203010043' },
  { name: '林演示', id_number: '350299198811110051' },
  { name: '黄演示', id_number: '350299197602290063' },
  { name: '吴样例', id_number: '350299200002290072' },
]
