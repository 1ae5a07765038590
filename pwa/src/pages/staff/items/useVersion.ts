/** One item's open version: what was typed is kept in the browser until the server has it. */
import { computed, ref, shallowRef, watch } from 'vue'
import { api, ApiProblem } from '../../../api/client'
import type { ItemVersion } from '../../../api/types'
import { t } from '../../../i18n'
import { read, write } from '../../../state/storage'
import { said } from '../../citizen/parts/said'
import { asStaff } from '../desk'
import { fieldId, type Words } from './words'

interface Kept { revision: number; words: Words }
interface Fault { id?: string; text: string }

const key = (id: string) => `item-version:${id}`

export function useVersion() {
  const version = shallowRef<ItemVersion | null>(null)
  const words = ref<Words | null>(null)
  const busy = ref('')
  const errors = ref<Fault[]>([])
  const done = ref('')
  const stale = ref(false)
  const changed = computed(() => words.value !== null && version.value !== null && JSON.stringify(words.value) !== JSON.stringify(version.value.content))
  const faults = computed(() => new Map((version.value?.findings ?? []).map((one) => [one.pointer, one.text])))

  function show(next: ItemVersion | null): void {
    version.value = next
    const kept = next && read<Kept>(localStorage, key(next.id))
    stale.value = Boolean(kept && next && kept.revision !== next.revision)
    words.value = next && structuredClone(kept && kept.revision === next.revision && next.state === 'draft' ? kept.words : next.content as Words)
  }

  watch(words, (now) => {
    const one = version.value
    if (one?.state === 'draft' && now) write(localStorage, key(one.id), changed.value ? { revision: one.revision, words: now } : null)
  }, { deep: true })

  /** Null when it was refused; `errors` say why then. */
  async function run(name: string, work: () => Promise<ItemVersion>, words_?: string): Promise<ItemVersion | null> {
    if (busy.value) return null
    busy.value = name
    errors.value = []
    done.value = ''
    try {
      const next = await asStaff(work)
      write(localStorage, key(next.id), null)
      show(next)
      done.value = words_ ?? ''
      return next
    } catch (problem) {
      errors.value = problem instanceof ApiProblem && problem.errors.length
        ? problem.errors.map((one) => ({ id: fieldId(one.pointer.replace(/^\/content/, '')), text: one.detail }))
        : [{ text: said(problem, t('staff.offline')) }]
      return null
    } finally {
      busy.value = ''
    }
  }

  const path = () => `/staff/items/versions/${version.value?.id}`
  const save = () => run('save', () => api.put<ItemVersion>(path(), { content: words.value, revision: version.value?.revision }), t('items.saved'))
  const act = (name: string, part: string, body: unknown, text: string) => run(name, () => api.post<ItemVersion>(`${path()}/${part}`, body), text)

  return { version, words, busy, errors, done, stale, changed, faults, show, run, save, act }
}
