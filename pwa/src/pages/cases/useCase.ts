/** One case of mine, asked again while something may move. */
import { computed, onScopeDispose } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { api } from '../../api/client'
import type { Case } from '../../api/types'
import { useMine } from '../citizen/parts/useMine'
import { OVER } from './parts/words'

const EVERY_MS = 20_000

export function useCase(again = false) {
  const route = useRoute()
  const id = String(route.params.id)
  const path = `/cases/${encodeURIComponent(id)}`
  const state = useMine(() => api.get<Case>(path))
  const one = computed(() => state.data.value)
  if (again) {
    const timer = window.setInterval(() => { if (!document.hidden && one.value && !OVER.includes(one.value.state)) void state.reload() }, EVERY_MS)
    onScopeDispose(() => window.clearInterval(timer))
  }
  return { route, router: useRouter(), id, path, state, one }
}
