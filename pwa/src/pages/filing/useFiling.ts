/** What the pages of one application share: its answers, whether they are saved, and the way through its tasks. */
import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { answersOf, filingOf, load, wayOf } from '../../state/filing'
import { askedNames, fromProfile, type Answers } from '../../../shared/forms'
import type { Application, FormQuestion } from '../../api/types'
import { t } from '../../i18n'
import { useMine } from '../citizen/parts/useMine'

export interface TaskLine { key: string; title: string; state: Application['tasks'][number]['state']; to: string }

export function useFiling() {
  const route = useRoute()
  const router = useRouter()
  const id = String(route.params.id)
  const base = `/applications/${id}`
  const filing = filingOf(id)
  const state = useMine(async () => {
    await load(filing)
    return filing.view as Application
  })
  // What this phone kept is on screen at once; the server's answer follows.
  state.data.value ??= filing.view
  /** The newest view: saving an answer brings a new one. */
  const view = computed(() => filing.view ?? state.data.value)
  const typed = computed<Answers>(() => answersOf(filing))
  const answers = computed<Answers>(() => ({ ...typed.value, ...view.value?.profile }))
  const asked = computed(() => askedNames(view.value?.pages ?? [], answers.value))
  const questions = (key: string): FormQuestion[] =>
    view.value?.pages.find((page) => page.key === key)?.fields.filter((one) => asked.value.has(one.name) && !fromProfile(one)) ?? []
  const tasks = computed<TaskLine[]>(() => {
    const all = (view.value?.tasks ?? []).map((one) => ({ ...one, to: addressOf(one.key) }))
    const way: TaskLine = { key: 'delivery', title: t('filing.delivery'), state: wayOf(filing) ? 'done' : 'not_started', to: `${base}/delivery` }
    return view.value?.correction ? all : [...all.slice(0, -1), way, ...all.slice(-1)]
  })

  function addressOf(key: string): string {
    return ['materials', 'commitment', 'check'].includes(key) ? `${base}/${key}` : `${base}/form/${key}`
  }

  /** Where to go after a task: back to where the person came from, else to the next task. */
  function after(key: string): string {
    const from = route.query.from
    if (from === 'check' || (from === 'correction' && view.value?.case_id)) return from === 'check' ? `${base}/check` : `/cases/${view.value?.case_id}/correction`
    const at = tasks.value.findIndex((one) => one.key === key)
    return tasks.value[at + 1]?.to ?? base
  }

  return { route, router, id, base, filing, state, view, typed, answers, asked, questions, tasks, after }
}
