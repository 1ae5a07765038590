/** Texts in two languages: `t(key, params)`. Chinese comes with the app, the rest when it is needed. */
import first from 'virtual:first-texts'
import { shallowReactive } from 'vue'
import { prefs, type Lang } from './state/prefs'

interface Texts { [key: string]: string | Texts }

const tables = shallowReactive<Record<Lang, Record<string, string>>>({ zh: {}, en: {} })
const files: Record<string, () => Promise<Texts>> = {}
const wanted = new Set(['messages'])
const loaded = new Set<string>()

function flatten(texts: Texts, prefix: string, into: Record<string, string>): void {
  for (const [key, value] of Object.entries(texts)) {
    if (typeof value === 'string') into[prefix + key] = value
    else flatten(value, `${prefix}${key}.`, into)
  }
}

function add(lang: Lang, texts: Texts): void {
  const more: Record<string, string> = {}
  flatten(texts, '', more)
  tables[lang] = { ...tables[lang], ...more }
}

add('zh', first)

/** Names the files of an app's texts by path, each with its loader. */
export function offerTexts(more: Record<string, () => Promise<unknown>>): void {
  for (const [path, load] of Object.entries(more)) files[path.slice(path.lastIndexOf('/') + 1)] = load as () => Promise<Texts>
}

/** Loads the named text files in the language on screen, and those asked for before. */
export async function loadTexts(names: string[] = [], lang: Lang = prefs.lang): Promise<void> {
  for (const name of lang === 'zh' ? names : [...names, 'pages']) wanted.add(name)
  await Promise.all([...wanted].map(async (name) => {
    const path = `${name}.${lang}.json`
    const load = files[path]
    if (!load || loaded.has(path)) return
    add(lang, await load())
    loaded.add(path)
  }))
}

/** `{n}` is the value of n; `{n|day|days}` is the first word when n is 1, else the second. */
export function t(key: string, params: Record<string, string | number> = {}): string {
  const text = tables[prefs.lang][key] ?? tables.zh[key] ?? key
  return text.replace(/\{(\w+)(?:\|(.+?)\|(.+?))?\}/g, (whole, name: string, one?: string, many?: string) =>
    String((String(params[name]) === '1' ? one : many) ?? params[name] ?? whole))
}
