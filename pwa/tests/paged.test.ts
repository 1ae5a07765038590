import { effectScope } from 'vue'
import { describe, expect, it } from 'vitest'
import { usePaged, type PageOf } from '../src/ui/usePaged'

type Answer = (rows: string[], next?: string) => Promise<void>

/** A list whose questions are answered by hand, in any order. */
function list() {
  const answers: Answer[] = []
  const asked: (string | null)[] = []
  const paged = effectScope().run(() => usePaged<string>((cursor) => new Promise<PageOf<string>>((give) => {
    asked.push(cursor)
    answers.push(async (rows, next) => {
      give({ rows, next: next ?? null })
      await new Promise((later) => setTimeout(later))
    })
  })))
  if (!paged) throw new Error('no list')
  return { ...paged, answer: (at: number) => answers[at] as Answer, asked }
}

describe('a list in pages', () => {
  it('adds pages until there is no more', async () => {
    const { rows, cursor, more, answer, asked } = list()
    await answer(0)(['a', 'b'], 'c1')
    void more()
    await answer(1)(['c'])
    expect(rows.value).toEqual(['a', 'b', 'c'])
    expect(cursor.value).toBeNull()
    expect(asked).toEqual([null, 'c1'])
  })
  it('drops a first page that comes after that of a newer question', async () => {
    const { rows, refresh, answer } = list()
    refresh()
    await answer(1)(['new'])
    await answer(0)(['old'])
    expect(rows.value).toEqual(['new'])
  })
  it('drops a further page that comes after the list began anew', async () => {
    const { rows, cursor, more, refresh, answer } = list()
    await answer(0)(['old'], 'c1')
    void more()
    refresh()
    expect(rows.value).toEqual([])
    await answer(2)(['new'], 'c2')
    await answer(1)(['older'])
    expect(rows.value).toEqual(['new'])
    expect(cursor.value).toBe('c2')
  })
})
