/** One bill: how it stands, paying it here, and asking until the outcome is known. */
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { useRouter } from 'vue-router'
import { api, ApiProblem } from '../../api/client'
import { newKey } from '../../api/key'
import type { Attempt, Bill } from '../../api/types'
import { payInWeChat, type Way } from '../../env/pay'
import { t } from '../../i18n'
import { prefs } from '../../state/prefs'
import { session, sessionKnown } from '../../state/session'
import { read, write } from '../../state/storage'
import { said } from '../citizen/parts/said'
import { moves, phaseOf } from './phase'

const EVERY_MS = 5000
/** After this long the page stops promising a quick answer and says what the payer can do. */
const LONG_MS = 60_000
const CALM_MS = 15_000

export function useBill(id: string, result: boolean) {
  const router = useRouter()
  const path = `/bills/${encodeURIComponent(id)}`
  const bill = shallowRef<Bill | null>(null)
  const attempt = shallowRef<Attempt | null>(null)
  const problem = shallowRef<ApiProblem | null>(null)
  const loading = ref(true)
  const busy = ref<Way | 'check' | ''>('')
  const refused = shallowRef<ApiProblem | null>(null)
  const note = ref('')
  const since = ref(Date.now())
  const now = ref(Date.now())
  const kept = ref(read<string>(sessionStorage, `pay:${id}`))
  const phase = computed(() => bill.value && phaseOf(bill.value, attempt.value, result || kept.value !== null))
  const slow = computed(() => phase.value === 'confirming' && now.value - since.value > LONG_MS)

  function keep(attemptId: string | null): void {
    kept.value = attemptId
    write(sessionStorage, `pay:${id}`, attemptId)
  }

  async function load(): Promise<void> {
    loading.value = true
    try {
      await sessionKnown()
      if (session.kind === 'anonymous' || session.kind === 'staff') throw new ApiProblem(401, {})
      const fresh = await api.get<Bill>(path)
      const mine = fresh.live_attempt_id ?? kept.value
      attempt.value = mine ? await api.get<Attempt>(`/attempts/${mine}`).catch(() => null) : null
      bill.value = fresh
      problem.value = null
    } catch (error) {
      problem.value = error instanceof ApiProblem ? error : new ApiProblem(500, {})
    } finally {
      loading.value = false
    }
  }

  /** Asks the channel through the server, then looks again. */
  async function check(): Promise<void> {
    const mine = attempt.value?.id
    if (mine) await api.post(`/attempts/${mine}/check`).catch(() => undefined)
    await load()
  }

  async function checkNow(): Promise<void> {
    busy.value = 'check'
    await check()
    busy.value = ''
    note.value = phase.value === 'confirming' ? t('bills.still_nothing') : ''
  }

  async function pay(way: Way): Promise<void> {
    if (busy.value) return
    busy.value = way
    refused.value = null
    note.value = ''
    try {
      const made = await api.post<Attempt>(`${path}/attempts`, { way }, { idempotencyKey: newKey() })
      attempt.value = made
      keep(made.id)
      since.value = Date.now()
      await launch(made)
    } catch (error) {
      refused.value = error instanceof ApiProblem ? error : new ApiProblem(0, {})
      note.value = said(error, t('bills.not_sent'))
      await load()
    } finally {
      busy.value = ''
    }
  }

  async function launch({ launch: next }: Attempt): Promise<void> {
    if (next?.parameters) {
      const answer = await payInWeChat(next.parameters as Record<string, string>)
      if (answer === 'ok') return void router.replace(`/bills/${id}/result`)
      keep(null)
      note.value = t(answer === 'cancel' ? 'bills.cancelled' : 'bills.bridge_failed')
    } else if (next?.url) location.assign(next.url)
    await load()
  }

  let timer = 0
  function again(): void {
    timer = window.setTimeout(async () => {
      now.value = Date.now()
      if (!document.hidden && !busy.value && bill.value && phase.value && moves(bill.value, phase.value)) {
        await (phase.value === 'confirming' ? check() : load())
      }
      again()
    }, slow.value ? CALM_MS : EVERY_MS)
  }
  again()
  const seen = () => { if (!document.hidden && phase.value === 'confirming') void check() }
  document.addEventListener('visibilitychange', seen)
  onScopeDispose(() => {
    window.clearTimeout(timer)
    document.removeEventListener('visibilitychange', seen)
  })
  watch(() => prefs.lang, () => { void load() })
  void load().then(() => { if (phase.value === 'confirming') void check() })
  return { bill, attempt, problem, loading, busy, refused, note, phase, slow, load, checkNow, pay }
}
