/** One visit: at once from this phone, then from the server. */
import { computed, onMounted, ref, shallowRef, watch } from 'vue'
import { useRoute } from 'vue-router'
import { api, ApiProblem } from '../../api/client'
import type { Appointment } from '../../api/types'
import { prefs } from '../../state/prefs'
import { dropTicket, savedTicket, saveTicket } from '../../state/tickets'
import { fetchPass } from './pass'

export function useAppointment(options: { withPass?: boolean } = {}) {
  const id = String(useRoute().params.id)
  const ticket = shallowRef(savedTicket(id))
  const problem = shallowRef<ApiProblem | null>(null)
  const fromPhone = ref(false)
  const appointment = computed(() => ticket.value?.appointment ?? null)

  async function load(): Promise<void> {
    problem.value = null
    try {
      const fresh = await api.get<Appointment>(`/appointments/${id}`, { lang: prefs.lang })
      ticket.value = saveTicket(fresh)
      fromPhone.value = false
      if (options.withPass && fresh.state === 'booked') ticket.value = await fetchPass(fresh)
    } catch (error) {
      const cause = error instanceof ApiProblem ? error : new ApiProblem(500, {})
      problem.value = cause
      if (cause.status === 403 || cause.status === 404) {
        dropTicket(id)
        ticket.value = null
      }
      fromPhone.value = ticket.value !== null && cause.status === 0
    }
  }

  onMounted(() => { void load() })
  watch(() => prefs.lang, () => { void load() })
  return { id, ticket, appointment, problem, fromPhone, load }
}
