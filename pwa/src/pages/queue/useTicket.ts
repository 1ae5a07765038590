/** One queue ticket: at once from this phone, then from the server, and again whenever its number moves in the live picture. */
import { computed, ref, shallowRef, watch } from 'vue'
import { useRoute } from 'vue-router'
import { pollEvery, queueOf, standing } from '../../../shared/queue'
import { api, ApiProblem } from '../../api/client'
import type { QueueTicket } from '../../api/types'
import { prefs } from '../../state/prefs'
import { useQueue } from '../../state/queue'
import { keepSeen, seenTicket } from '../../state/queueTickets'

const FINAL = new Set(['done', 'cancelled', 'abandoned', 'closed', 'carried_over'])

export function useTicket() {
  const link = String(useRoute().params.link)
  const path = `/tickets/${encodeURIComponent(link)}`
  const seen = seenTicket(link)
  const ticket = shallowRef<QueueTicket | null>(seen?.ticket ?? null)
  const problem = shallowRef<ApiProblem | null>(null)
  /** When this state was seen, while there is no network; milliseconds. */
  const keptAt = ref<number | null>(null)
  const lastAhead = ref(seen?.ahead ?? null)

  const { picture, stale } = useQueue(
    () => (ticket.value && !FINAL.has(ticket.value.state) ? ticket.value.hall.code : null),
    () => pollEvery(now.value, queue.value?.windows ?? 0),
  )
  const now = computed(() => (picture.value && ticket.value ? standing(picture.value, ticket.value.number) : null))
  const queue = computed(() => (picture.value && ticket.value ? queueOf(picture.value, ticket.value.number) : null))
  const ahead = computed(() => (now.value ? now.value.ahead : lastAhead.value))

  function take(fresh: QueueTicket): void {
    ticket.value = fresh
    problem.value = null
    keptAt.value = null
    keepSeen(fresh, ahead.value)
  }

  async function load(): Promise<void> {
    try {
      take(await api.get<QueueTicket>(path, { lang: prefs.lang }))
    } catch (error) {
      problem.value = error instanceof ApiProblem ? error : new ApiProblem(500, {})
      keptAt.value = problem.value.status === 0 ? (seenTicket(link)?.at ?? null) : null
    }
  }

  /** Does something with the ticket; throws the server's refusal. */
  async function act(what: string, body: unknown = {}): Promise<void> {
    take(await api.post<QueueTicket>(`${path}/${what}`, body))
  }

  watch(() => now.value && `${now.value.at} ${now.value.times}`, (moved) => { if (moved) void load() })
  watch(ahead, (n) => {
    lastAhead.value = n
    if (ticket.value && now.value) keepSeen(ticket.value, n)
  })
  watch(() => prefs.lang, () => { void load() })
  void load()
  return { link, ticket, problem, keptAt, ahead, queue, stale, load, act }
}
