/** The bookable queues of the hall one is signed in to, and the one that the page is about; the address remembers it. */
import { computed, ref, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { todayIn } from '../../../../shared/times'
import { api } from '../../../api/client'
import type { WindowPlan } from '../../../api/types'
import { prefs } from '../../../state/prefs'
import { useLoad } from '../../../ui/useLoad'
import { asStaff } from '../desk'

export function useCategories() {
  const route = useRoute()
  const router = useRouter()
  const chosen = ref(String(route.query.category ?? ''))
  const state = useLoad(async () => {
    const plan = await asStaff(() => api.get<WindowPlan>('/staff/window-plan', { day: todayIn(Date.now()), lang: prefs.lang }))
    const bookable = plan.queues.filter((one) => one.bookable)
    if (!bookable.some((one) => one.code === chosen.value)) chosen.value = bookable[0]?.code ?? ''
    return { bookable, all: plan.queues }
  })
  const bookable = computed(() => state.data.value?.bookable ?? [])
  const names = computed(() => new Map((state.data.value?.all ?? []).map((one) => [one.code, one.name])))
  watch(chosen, (code) => { void router.replace({ query: { ...route.query, category: code } }) })
  watch(() => prefs.lang, () => state.reload())
  return { state, chosen, bookable, names }
}
