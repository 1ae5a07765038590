/** An application filled in for somebody at the counter: each answer is saved as it is given, one request at a time. */
import { computed, onScopeDispose, reactive, ref, shallowRef } from 'vue'
import { askedNames, fieldId, type Answers } from '../../../../shared/forms'
import { api, ApiProblem } from '../../../api/client'
import type { Application } from '../../../api/types'
import { t } from '../../../i18n'
import { read, write } from '../../../state/storage'
import { said } from '../../citizen/parts/said'
import { asStaff } from '../desk'

const PLACE = 'case:counter'
const PAUSE_MS = 600

export function useCounter() {
  const view = shallowRef<Application | null>(null)
  const problem = ref('')
  const saving = ref(false)
  /** What was typed here, over what the server knows; what it does not have yet is in `unsaved`. */
  const typed = reactive<Answers>({})
  let unsaved: Answers = {}
  let flying: Answers = {}
  let timer = 0
  let running: Promise<void> | null = null
  onScopeDispose(() => window.clearTimeout(timer))

  const asked = computed(() => (view.value ? askedNames(view.value.pages, typed) : new Set<string>()))
  const beside = computed(() => Object.fromEntries((view.value?.errors ?? []).map((one) => [fieldId(one.pointer), one.detail])))

  /** A page that is closed before it has saved goes on from here. */
  function keep(): void {
    if (view.value) write(sessionStorage, PLACE, { id: view.value.id, unsaved: { ...flying, ...unsaved } })
  }

  function show(found: Application): void {
    view.value = found
    Object.assign(typed, found.answers, unsaved)
    keep()
  }

  /** The one that was begun in this tab before. */
  async function again(): Promise<void> {
    const kept = read<{ id: string; unsaved: Answers }>(sessionStorage, PLACE)
    if (!kept) return
    try {
      const found = await asStaff(() => api.get<Application>(`/staff/applications/${kept.id}`))
      unsaved = kept.unsaved
      show(found)
      await save()
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 404) leave()
      else problem.value = said(error, t('staff.offline'))
    }
  }

  function answer(name: string, value: unknown, typing: boolean): void {
    typed[name] = unsaved[name] = value
    saving.value = true
    keep()
    window.clearTimeout(timer)
    timer = window.setTimeout(() => { void save() }, typing ? PAUSE_MS : 0)
  }

  /** True when the server has everything. */
  async function save(): Promise<boolean> {
    window.clearTimeout(timer)
    while (running) await running
    if (view.value && Object.keys(unsaved).length) {
      running = send(view.value).finally(() => { running = null })
      await running
    }
    return !problem.value
  }

  async function send(now: Application): Promise<void> {
    const answers = unsaved
    flying = answers
    unsaved = {}
    problem.value = ''
    try {
      const saved = await asStaff(() => api.patch<Application>(`/staff/applications/${now.id}`, { revision: now.revision, answers }))
      flying = {}
      saving.value = Object.keys(unsaved).length > 0
      show(saved)
    } catch (error) {
      flying = {}
      unsaved = { ...answers, ...unsaved }
      keep()
      if (error instanceof ApiProblem && error.code === 'saved_elsewhere') await reload().catch(() => undefined)
      problem.value = said(error, t('staff.offline'))
    }
  }

  async function reload(): Promise<void> {
    if (view.value) show(await asStaff(() => api.get<Application>(`/staff/applications/${view.value?.id}`)))
  }

  function leave(): void {
    sessionStorage.removeItem(PLACE)
    view.value = null
    unsaved = {}
    for (const name of Object.keys(typed)) delete typed[name]
  }

  return { view, typed, asked, beside, problem, saving, show, again, answer, save, reload, leave }
}
