import { beforeAll, describe, expect, it } from 'vitest'
import { loadTexts, offerTexts } from '../src/i18n'
import { keptText, sizeText } from '../src/pages/privacy/words'

offerTexts(import.meta.glob('../shared/privacy.*.json', { import: 'default' }))

describe('how long something is kept', () => {
  beforeAll(() => loadTexts(['privacy'], 'zh'))

  it.each([[3653, '10 年'], [1826, '5 年'], [1096, '3 年'], [730, '2 年'], [365, '1 年'], [400, '400 天'], [180, '180 天'], [1, '1 天']])('says %i days as people do', (days, words) => {
    expect(keptText(days)).toBe(words)
  })

  it('says that an account has no end', () => {
    expect(keptText(null)).toBe('账户在就一直存')
  })
})

describe('the size of an archive', () => {
  it.each([[10, '1 KB'], [2048, '2 KB'], [3 * 1024 * 1024, '3.0 MB']])('%i bytes', (bytes, words) => {
    expect(sizeText(bytes)).toBe(words)
  })
})
