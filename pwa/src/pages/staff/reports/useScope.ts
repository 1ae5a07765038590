/** The period and the part of the city that a report is about: kept in the address, so that a link shows the same. */
import { computed, watch, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { todayIn } from '../../../../shared/times'
import { api, type Query } from '../../../api/client'
import type { ReportChoices } from '../../../api/types'
import { prefs } from '../../../state/prefs'
import { useLoad, type Loaded } from '../../../ui/useLoad'
import { asStaff } from '../desk'

export interface Scope { first: string; last: string; department: string; division: string; hall: string }

export const PLACES = ['department', 'division', 'hall'] as const

export function useScope(): {
  scope: ComputedRef<Scope>; asked: (name: string) => string; change: (some: Record<string, string>) => void; choices: Loaded<ReportChoices>
} {
  const route = useRoute()
  const router = useRouter()
  const today = todayIn(Date.now())
  const asked = (name: string) => (typeof route.query[name] === 'string' ? String(route.query[name]) : '')
  const scope = computed(() => ({
    first: asked('first') || `${today.slice(0, 4)}-01-01`, last: asked('last') || today,
    department: asked('department'), division: asked('division'), hall: asked('hall'),
  }))
  const change = (some: Record<string, string>) => {
    const query = Object.fromEntries(Object.entries({ ...route.query, ...some }).filter(([, value]) => value))
    void router.replace({ query })
  }
  const choices = useLoad(() => asStaff(() => api.get<ReportChoices>('/staff/reports/choices', { lang: prefs.lang })))
  watch(() => prefs.lang, () => choices.reload())
  return { scope, asked, change, choices }
}

/** Asks again whenever what is asked for changes, or the language. */
export function useReport<T>(path: string, query: () => Query): Loaded<T> {
  const state = useLoad(() => asStaff(() => api.get<T>(path, { ...query(), lang: prefs.lang })))
  watch(() => JSON.stringify([query(), prefs.lang]), () => { void state.reload() })
  return state
}
