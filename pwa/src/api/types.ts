/** Names for the API's answers, taken from the types that `make openapi` generates. Times are ISO 8601 UTC, dates are Xiamen's, money is integer fen. */
import type { components } from './schema'

type Schemas = components['schemas']

export type Named = Schemas['Named']
export type Hall = Schemas['Hall']
export type OpenHours = Hall['hours'][number]
export type ItemRef = Schemas['ItemRef']
export type ItemSummary = Schemas['ItemSummary']
export type FoundItem = Schemas['SearchHit']
export type Item = Schemas['Item']
export type BookableItem = Item
export type BookingRules = Schemas['Booking']
export type Material = Schemas['Material']
export type Fee = Schemas['ItemFee']
export type ItemList = Schemas['ListHead']
export type ItemListPage = Schemas['PublishedList']
export type SlotRef = Schemas['SlotRef']
export type Slot = Schemas['Slot']
export type Day = Schemas['Day']
export type SlotDays = Schemas['SlotDays']
export type EarlySlot = Schemas['EarlySlot']
export type HallChoice = Schemas['HallChoice']
export type ForPerson = Schemas['ForPerson']
export type Hold = Schemas['Hold']
export type Appointment = Schemas['Appointment']
export type AppointmentState = Appointment['state']
export type AppointmentPage = Schemas['Appointments']
export type Visit = Omit<Hold, 'expires_at'>
export type Pass = Schemas['Pass']
export type Me = Schemas['Me']
export type StaffMe = Schemas['StaffMe']
export type SessionState = Schemas['Session']
export type FamilyLink = Schemas['FamilyLink']
export type FamilyRequest = Schemas['FamilyAsk']
export type Message = Schemas['InboxMessage']
/** The place that the server understood from what was typed. */
export interface UnderstoodPlace { name: string; approximate: boolean }
export type Mark = Schemas['Mark']
export type Conduct = Schemas['Conduct']
export type JsapiConfig = Schemas['JsapiConfig']
