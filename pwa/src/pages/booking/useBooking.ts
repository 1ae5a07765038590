/** What every step of one booking shares: the answers so far, the item, and the way to the next step. */
import { useRoute, useRouter } from 'vue-router'
import { api } from '../../api/client'
import type { BookableItem, FamilyLink } from '../../api/types'
import { bookingDraft, slugsOf, stepFor, type BookingStep } from '../../state/drafts'
import { prefs } from '../../state/prefs'
import { reached, type Reached } from '../../state/reached'
import { session, sessionKnown } from '../../state/session'

const STEPS: BookingStep[] = ['hall', 'date', 'time', 'who', 'check']
const COUNTED: Partial<Record<BookingStep | 'items' | 'people', Reached['step']>> = { hall: 'hall', date: 'slots', who: 'who', check: 'check' }
const PERSON_LEVEL = 1

export function useBooking(step: BookingStep | 'items' | 'people') {
  const route = useRoute()
  const router = useRouter()
  const slug = String(route.params.slug)
  const draft = bookingDraft(slug)
  const path = (to: BookingStep | 'items' | 'people') => `/book/${encodeURIComponent(slug)}/${to}`
  const missing = step === 'items' || step === 'people' ? step : stepFor(draft, step)
  const ready = missing === step
  if (!ready) void router.replace(path(missing))
  const counted = COUNTED[step]
  if (ready && counted) reached(counted, slugsOf(draft), counted === 'hall' ? null : (draft.hall?.code ?? null))
  const before = STEPS[STEPS.findIndex((one) => one === step) - 1]
  const back = before ? path(before) : `/items/${encodeURIComponent(slug)}`
  const guide = (one: string) => api.get<BookableItem>(`/items/${encodeURIComponent(one)}`, { lang: prefs.lang })
  const loadItem = () => guide(slug)
  const loadItems = () => Promise.all(slugsOf(draft).map(guide))
  /** What decides the length of the visit. */
  const visit = () => ({ items: slugsOf(draft).join(), people: draft.people, lang: prefs.lang })

  /** False when the person was sent to log in first; they come back to this step. */
  async function loggedInFor(items: BookableItem[]): Promise<boolean> {
    await sessionKnown()
    const level = Math.max(PERSON_LEVEL, ...items.map((one) => one.booking.level))
    if (session.kind === 'unknown') return true
    if (session.me && session.me.level >= level) return true
    await router.replace({ path: '/login', query: { return_to: path(step), level: String(level) } })
    return false
  }

  return { route, router, slug, draft, path, ready, back, guide, loadItem, loadItems, visit, loggedInFor }
}

export const confirmedFamily = async (): Promise<FamilyLink[]> =>
  (await api.get<{ family: FamilyLink[] }>('/me/family')).family.filter((link) => link.state === 'confirmed')
