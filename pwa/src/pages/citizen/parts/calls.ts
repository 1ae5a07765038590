/** Requests of the home page, and those it shares with others; public texts are asked for in the language on screen. */
import { api } from '../../../api/client'
import { prefs } from '../../../state/prefs'
import type { Appointment, Hall, ItemList, ItemSummary, Message } from '../../../api/types'

const text = () => ({ lang: prefs.lang })

export const popularItems = async () => (await api.get<{ items: ItemSummary[] }>('/items', { ...text(), popular: 1, limit: 8 })).items
export const lists = async () => (await api.get<{ lists: ItemList[] }>('/lists', text())).lists
export const halls = async () => (await api.get<{ halls: Hall[] }>('/halls', text())).halls
export const openVisits = async () => (await api.get<{ appointments: Appointment[] }>('/appointments', { ...text(), scope: 'open' })).appointments
export const inbox = (cursor?: string | null) =>
  api.get<{ messages: Message[]; unread: number; next_cursor: string | null }>('/inbox', { ...text(), cursor, limit: 20 })
