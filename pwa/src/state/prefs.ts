/** Language and elder mode, kept on this device. */
import { reactive, watch } from 'vue'
import { read, write } from './storage'

export type Lang = 'zh' | 'en'
export interface Prefs { lang: Lang; elder: boolean }

const kept = read<Partial<Prefs>>(localStorage, 'prefs')
/** Whether they were chosen on this device, in this moment perhaps; else those that the server keeps hold. */
export let chosenHere = kept !== null
export const prefs = reactive<Prefs>({ lang: kept?.lang === 'en' ? 'en' : 'zh', elder: kept?.elder === true })

export function applyPrefs(): void {
  const root = document.documentElement
  root.lang = prefs.lang === 'en' ? 'en' : 'zh-CN'
  root.toggleAttribute('data-elder', prefs.elder)
}

watch(prefs, () => {
  chosenHere = true
  write(localStorage, 'prefs', prefs)
  applyPrefs()
})
