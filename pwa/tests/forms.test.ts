import { describe, expect, it } from 'vitest'
import { answerText, askedNames, fieldId, numberOf, questionOf, type Question } from '../shared/forms'

const question = (name: string, more: Partial<Question> = {}): Question =>
  ({ name, kind: 'text', label: name, hint: null, required: true, options: [], show_if: null, source: null, fields: [], ...more })
const words = { yes: '是', no: '否', agreed: '同意', none: '没填', stop: '、' }

describe('questions that depend on an answer', () => {
  const pages = [{
    key: 'a', fields: [
      question('online', { kind: 'yes_no' }),
      question('url', { show_if: { field: 'online', is: [true] } }),
      question('host', { show_if: { field: 'url', is: ['x'] } }),
    ],
  }]
  it('are asked while the condition holds', () => {
    expect([...askedNames(pages, { online: true })]).toEqual(['online', 'url'])
    expect([...askedNames(pages, { online: true, url: 'x' })]).toEqual(['online', 'url', 'host'])
  })
  it('are not asked because of an answer that is hidden itself', () => { expect([...askedNames(pages, { online: false, url: 'x' })]).toEqual(['online']) })
})

describe('where an error belongs', () => {
  it('is the field on the page, in a row too', () => {
    expect(fieldId('/answers/phone')).toBe('f-phone')
    expect(fieldId('/answers/shareholders/0/name')).toBe('f-shareholders-0-name')
    expect(questionOf('/answers/shareholders/0/name')).toBe('shareholders')
  })
})

describe('numbers', () => {
  it('are numbers when they are whole, and stay as typed otherwise', () => {
    expect([numberOf('12'), numberOf('-3'), numberOf(''), numberOf('1.5'), numberOf('12a')]).toEqual([12, -3, null, '1.5', '12a'])
  })
})

describe('an answer in words', () => {
  const colours = question('colour', { kind: 'choices', options: [{ value: 'r', label: '红' }, { value: 'g', label: '绿' }] })
  it('names choices and says what is missing', () => {
    expect(answerText(colours, ['r', 'g'], words)).toBe('红、绿')
    expect(answerText({ ...colours, kind: 'choice' }, 'g', words)).toBe('绿')
    expect(answerText(colours, undefined, words)).toBe('没填')
  })
  it('tells yes from no, and no from nothing', () => {
    const yes = question('sure', { kind: 'yes_no' })
    expect([true, false, undefined].map((value) => answerText(yes, value, words))).toEqual(['是', '否', '没填'])
    expect(answerText(question('truthful', { kind: 'agree' }), true, words)).toBe('同意')
  })
  it('has a line for each row of a list', () => {
    const people = question('people', { kind: 'list', fields: [question('name'), question('share', { kind: 'number' })] })
    expect(answerText(people, [{ name: '张测试', share: 60 }, { name: '李测试' }], words)).toBe('张测试 60\n李测试')
  })
})
