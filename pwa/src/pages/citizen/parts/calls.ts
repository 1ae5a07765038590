/** Every request of the information pages, in one place; public texts are asked for in the language on screen. */
import { api } from '../../../api/client'
import { prefs } from '../../../state/prefs'
import type {
  FamilyLink, FamilyRequest, FoundItem, Hall, HallChoice, Item, ItemList, ItemListPage, ItemSummary, Message, Sites,
} from '../../../api/types'
import type { Appointment } from '../../../api/types'

const part = encodeURIComponent
const text = () => ({ lang: prefs.lang })

export const popularItems = async () => (await api.get<{ items: ItemSummary[] }>('/items', { ...text(), popular: 1, limit: 8 })).items
export const searchItems = async (q: string) => (await api.get<{ items: FoundItem[] }>('/items/search', { ...text(), q, limit: 20 })).items
export const item = (slug: string) => api.get<Item>(`/items/${part(slug)}`, text())
export const itemHalls = async (slug: string, place?: { lat: number; lng: number }) =>
  (await api.get<{ halls: HallChoice[] }>(`/items/${part(slug)}/halls`, { ...text(), ...place })).halls
export const lists = async () => (await api.get<{ lists: ItemList[] }>('/lists', text())).lists
export const list = (tag: string) => api.get<ItemListPage>(`/lists/${part(tag)}`, text())
export const halls = async () => (await api.get<{ halls: Hall[] }>('/halls', text())).halls
export const hall = (code: string) => api.get<Hall>(`/halls/${part(code)}`, text())
export const openVisits = async () => (await api.get<{ appointments: Appointment[] }>('/appointments', { ...text(), scope: 'open' })).appointments
export const family = () => api.get<{ family: FamilyLink[]; requests: FamilyRequest[] }>('/me/family')
export const inbox = (cursor?: string | null) =>
  api.get<{ messages: Message[]; unread: number; next_cursor: string | null }>('/inbox', { ...text(), cursor, limit: 20 })
export const sites = (kind: string, near: string, place?: { lat: number; lng: number }) =>
  api.get<Sites>('/sites', { ...text(), kind, near, ...place, n: 50 })
