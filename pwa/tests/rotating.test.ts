import { describe, expect, it } from 'vitest'
import { codeTextOf, rotatingPart, stepAt } from '../shared/rotating'

describe('rotating code', () => {
  it('changes every 30 seconds', () => {
    expect(stepAt(59_999)).toBe(1)
    expect(stepAt(60_000)).toBe(2)
  })
  it.each([
    ['secret-of-one-visit', 59703520, '30d88671'],
    ['k', 0, 'b44d10ba'],
    ['密钥', 7, 'db714de3'],
  ])('is the head of HMAC-SHA256 with key %s over step %i', async (secret, step, head) => {
    expect(await rotatingPart(secret, step)).toBe(head)
  })
  it('joins the parts', () => { expect(codeTextOf('abc', 'deadbeef')).toBe('WZW1.abc.deadbeef') })
})
