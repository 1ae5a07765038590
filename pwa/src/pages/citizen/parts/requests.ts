/** Requests of the information pages that home does not need: they travel with those pages. */
import { api } from '../../../api/client'
import { prefs } from '../../../state/prefs'
import type { CancelledProofs, FamilyLink, FamilyRequest, FilingForm, Hall, HallChoice, Item, ItemListPage, Sites, SpecialSteps } from '../../../api/types'

const part = encodeURIComponent
const text = () => ({ lang: prefs.lang })

export const item = (slug: string) => api.get<Item>(`/items/${part(slug)}`, text())
export const form = (slug: string) => api.get<FilingForm>(`/items/${part(slug)}/form`, text())
export const itemHalls = async (slug: string, place?: { lat: number; lng: number }) =>
  (await api.get<{ halls: HallChoice[] }>(`/items/${part(slug)}/halls`, { ...text(), ...place })).halls
export const list = (tag: string, version?: string) => api.get<ItemListPage>(`/lists/${part(tag)}`, { ...text(), version })
export const specialSteps = () => api.get<SpecialSteps>('/special-steps', text())
export const cancelledProofs = () => api.get<CancelledProofs>('/cancelled-proofs', text())
export const hall = (code: string) => api.get<Hall>(`/halls/${part(code)}`, text())
export const family = () => api.get<{ family: FamilyLink[]; requests: FamilyRequest[] }>('/me/family')
export const sites = (kind: string, near: string, place?: { lat: number; lng: number }) =>
  api.get<Sites>('/sites', { ...text(), kind, near, ...place, n: 50 })
