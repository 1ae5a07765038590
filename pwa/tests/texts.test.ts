import { describe, expect, it } from 'vitest'
import { loadTexts, offerTexts, t } from '../src/i18n'
import { prefs } from '../src/state/prefs'

type Texts = { [key: string]: string | Texts }
const files = import.meta.glob<Texts>('../shared/*.json', { import: 'default', eager: true })
const names = Object.keys(files).filter((path) => path.endsWith('.zh.json')).map((path) => path.slice('../shared/'.length, -'.zh.json'.length))
const source = Object.values(import.meta.glob<string>('../src/**/*.{vue,ts}', { query: '?raw', import: 'default', eager: true })).join('\n')

const flat = (texts: Texts, prefix = ''): [string, string][] => Object.entries(texts).flatMap(([key, value]): [string, string][] =>
  (typeof value === 'string' ? [[prefix + key, value]] : flat(value, `${prefix}${key}.`)))
const load = (name: string, lang: string) => flat(files[`../shared/${name}.${lang}.json`] ?? {})
const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort()

const words = (text: string) => [...text.matchAll(/\{(\w+)\|/g)].map((match) => match[1] ?? '')

describe.each(names)('texts of %s', (name) => {
  const zh = load(name, 'zh')
  const en = new Map(load(name, 'en'))
  it('have the same keys in both languages', () => { expect([...en.keys()].sort()).toEqual(zh.map(([key]) => key).sort()) })
  it('have the same holes and no empty text', () => {
    for (const [key, text] of zh) {
      expect(text, key).not.toBe('')
      expect(holes(en.get(key) ?? ''), key).toEqual(holes(text))
      expect(holes(text), key).toEqual(expect.arrayContaining(words(en.get(key) ?? '')))
    }
  })
  it('say 你, never 您 or 用户', () => { for (const [key, text] of zh) expect(text, key).not.toMatch(/您|用户|请知悉/) })
})

it('an English word goes with its number', async () => {
  offerTexts({ './pages.en.json': async () => files['../shared/pages.en.json'] })
  prefs.lang = 'en'
  await loadTexts()
  expect([1, 2].map((n) => t('item.law', { n }))).toEqual(['The law allows 1 working day', 'The law allows 2 working days'])
  prefs.lang = 'zh'
})

it('no key has two texts', () => {
  const keys = names.flatMap((name) => load(name, 'zh').map(([key]) => key))
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([])
})

it('the citizens\' app offers every text file that its pages name', () => {
  const files = Object.values(import.meta.glob<string>('../src/{main,router,moreRoutes}.ts', { query: '?raw', import: 'default', eager: true })).join('\n')
  const offered = [...files.matchAll(/glob\([^)]*?\{([\w,]+)\}/g)].flatMap((match) => match[1]?.split(',') ?? [])
  const named = [...files.matchAll(/[,=] \['(\w+)'(?:, '(\w+)')?\]/g)].flatMap((match) => [match[1], match[2]]).filter(Boolean)
  expect(named).toContain('notices')
  expect(named.filter((name) => !offered.includes(name ?? ''))).toEqual([])
})

it('every literal key used by the app exists', () => {
  const known = new Set(names.flatMap((name) => load(name, 'zh').map(([key]) => key)))
  const used = [...source.matchAll(/\bt\(\s*'([\w.]+)'/g)].map((match) => match[1] ?? '')
  expect(used.filter((key) => key.includes('.') && !known.has(key))).toEqual([])
})
