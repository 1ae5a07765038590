/** One form: which button is busy, what is wrong field by field, and what was done. Field ids are `f-` and the name. */
import { ref, watch } from 'vue'
import { ApiProblem } from '../../../api/client'
import { t } from '../../../i18n'
import { prefs } from '../../../state/prefs'
import { said } from '../../citizen/parts/said'
import { asStaff } from '../desk'
import { label } from './words'

export interface Wrong { id?: string; text: string }

/** "/values/guard_every" → "f-values-guard_every"; the number of a list's member is left out. */
const idOf = (pointer: string) => `f${pointer.replace(/\/\d+/g, '').replace(/\//g, '-')}`

export function wrongOf(problem: unknown): Wrong[] {
  if (!(problem instanceof ApiProblem) || !problem.errors.length) return [{ text: said(problem, t('staff.offline')) }]
  return problem.errors.map((one) => {
    const name = one.pointer.split('/').filter((part) => part && !/^\d+$/.test(part)).pop() ?? ''
    return { id: idOf(one.pointer), text: name ? t('manage.wrong', { what: label(name), text: one.detail }) : one.detail }
  })
}

export function useForm() {
  const busy = ref('')
  const errors = ref<Wrong[]>([])
  const done = ref('')
  watch(() => prefs.lang, () => { done.value = '' })
  const wrong = (name: string) => errors.value.find((one) => one.id === `f-${name}`)?.text

  /** Shows what the page itself found wrong; true when nothing was. */
  function check(found: Record<string, string | false>): boolean {
    errors.value = Object.entries(found).filter(([, text]) => text).map(([name, text]) => ({ id: `f-${name}`, text: String(text) }))
    done.value = ''
    return !errors.value.length
  }

  /** What the server answered; null when it refused, and then `errors` say why. */
  async function run<T>(name: string, work: () => Promise<T>): Promise<T | null> {
    if (busy.value) return null
    busy.value = name
    errors.value = []
    done.value = ''
    try {
      return await asStaff(work)
    } catch (problem) {
      errors.value = wrongOf(problem)
      return null
    } finally {
      busy.value = ''
    }
  }

  const needReason = (reason: string) => reason.trim().length < 2 && t('manage.reason_missing')
  return { busy, errors, done, wrong, check, run, needReason }
}
