/** The citizens' addresses, and their texts, that neither home nor a booking needs: they come when the first of them is opened. */
import type { RouteRecordRaw } from 'vue-router'
import { offerTexts } from './i18n'
import { page, type Page } from './page'

offerTexts(import.meta.glob('../shared/{bills,cases,express,notices,privacy,queue}.*.json', { import: 'default' }))

/** An application until it is handed in, and the case that it becomes. */
const filing = (path: string, component: Page) => page(path, component, ['pages', 'cases'])
const express = (path: string, component: Page) => page(path, component, ['pages', 'express'])
const bill = (path: string, component: Page) => page(path, component, ['pages', 'bills'])

export const moreRoutes: RouteRecordRaw[] = [
  bill('/bills', () => import('./pages/bills/List.vue')),
  bill('/bills/find', () => import('./pages/bills/Find.vue')),
  bill('/bills/:id/refund', () => import('./pages/bills/Refund.vue')),
  bill('/bills/:id/:step(result)?', () => import('./pages/bills/Show.vue')),
  filing('/items/:slug/file', () => import('./pages/filing/Start.vue')),
  filing('/applications/:id', () => import('./pages/filing/Tasks.vue')),
  filing('/applications/:id/form/:page/:field?', () => import('./pages/filing/Form.vue')),
  filing('/applications/:id/materials', () => import('./pages/filing/Materials.vue')),
  filing('/applications/:id/materials/:material', () => import('./pages/filing/Material.vue')),
  filing('/applications/:id/commitment', () => import('./pages/filing/Commitment.vue')),
  filing('/applications/:id/delivery', () => import('./pages/filing/Delivery.vue')),
  filing('/applications/:id/check', () => import('./pages/filing/Check.vue')),
  filing('/me/filing-code', () => import('./pages/cases/FilingCode.vue')),
  filing('/cases', () => import('./pages/cases/List.vue')),
  filing('/cases/:id', () => import('./pages/cases/Show.vue')),
  filing('/cases/:id/done', () => import('./pages/cases/Done.vue')),
  filing('/cases/:id/correction', () => import('./pages/cases/Correction.vue')),
  filing('/cases/:id/delivery', () => import('./pages/cases/Delivery.vue')),
  filing('/cases/:id/messages', () => import('./pages/cases/Messages.vue')),
  filing('/cases/:id/rate', () => import('./pages/cases/Rate.vue')),
  filing('/cases/:id/receipt', () => import('./pages/cases/Receipt.vue')),
  filing('/cases/:id/withdraw', () => import('./pages/cases/Withdraw.vue')),
  express('/shipments', () => import('./pages/express/List.vue')),
  express('/shipments/new', () => import('./pages/express/What.vue')),
  express('/shipments/new/address', () => import('./pages/express/Address.vue')),
  express('/shipments/new/check', () => import('./pages/express/Check.vue')),
  express('/shipments/:id', () => import('./pages/express/Show.vue')),
  express('/shipments/:id/address', () => import('./pages/express/Readdress.vue')),
  express('/me/addresses', () => import('./pages/express/Addresses.vue')),
  express('/me/addresses/:id', () => import('./pages/express/AddressPage.vue')),
  page('/inbox', () => import('./pages/citizen/Inbox.vue')),
  page('/me', () => import('./pages/citizen/Me.vue')),
  page('/me/conduct', () => import('./pages/citizen/Conduct.vue')),
  page('/me/notices', () => import('./pages/citizen/Notices.vue'), ['pages', 'notices']),
  page('/me/data', () => import('./pages/privacy/Data.vue'), ['pages', 'privacy']),
  page('/me/close', () => import('./pages/privacy/Close.vue'), ['pages', 'privacy']),
  page('/privacy', () => import('./pages/privacy/Retention.vue'), ['pages', 'privacy']),
  page('/me/family', () => import('./pages/citizen/Family.vue')),
  page('/lists', () => import('./pages/citizen/Lists.vue')),
  page('/standards', () => import('./pages/citizen/Standards.vue')),
  page('/lists/:tag', () => import('./pages/citizen/List.vue')),
  page('/halls', () => import('./pages/citizen/Halls.vue')),
  page('/sites', () => import('./pages/citizen/Sites.vue')),
  page('/halls/:code', () => import('./pages/citizen/Hall.vue'), ['pages', 'queue']),
  page('/halls/:code/take', () => import('./pages/queue/Take.vue'), ['pages', 'queue']),
  page('/tickets/:link', () => import('./pages/queue/Ticket.vue'), ['pages', 'queue']),
  filing('/go', () => import('./pages/citizen/Nowhere.vue')),
  page('/help', () => import('./pages/citizen/Help.vue')),
]
