/** Public figures of a hall's queues. */
import { api } from '../../api/client'
import type { HallLoad, HallShares, HallWaits, ItemSummary } from '../../api/types'
import { prefs } from '../../state/prefs'

const of = (code: string, what: string) => `/halls/${encodeURIComponent(code)}/${what}`

export const waits = (code: string) => api.get<HallWaits>(of(code, 'waits'))
export const shares = (code: string) => api.get<HallShares>(of(code, 'ratings'))
export const load = (code: string, category: string) => api.get<HallLoad>(of(code, 'load'), { category })
export const itemsOf = async (category: string) =>
  (await api.get<{ items: ItemSummary[] }>('/items', { lang: prefs.lang, category, limit: 50 })).items
