/** The pages for running a hall: address under /staff/, who may open it, and its group in the menu. */
import { defineAsyncComponent, type Component } from 'vue'

export interface ManagePage { name: string; group: 'now' | 'cases' | 'mail' | 'money' | 'city' | 'plan' | 'people' | 'report' | 'look'; may: string[]; load: () => Promise<unknown>; page: Component }

/** `load` may be awaited: it is the one request that the page waits for too. */
function lazy(request: () => Promise<unknown>): Pick<ManagePage, 'load' | 'page'> {
  let once: Promise<unknown> | undefined
  const load = () => (once ??= request().catch((error: unknown) => { once = undefined; throw error }))
  return { load, page: defineAsyncComponent(load as () => Promise<Component>) }
}

export const MANAGE: ManagePage[] = [
  { name: 'live', group: 'now', may: ['hall.manage'], ...lazy(() => import('./Live.vue')) },
  { name: 'cases', group: 'cases', may: ['cases.read'], ...lazy(() => import('../cases/Inbox.vue')) },
  { name: 'case-filing', group: 'cases', may: ['cases.fill'], ...lazy(() => import('../cases/Counter.vue')) },
  { name: 'shipments', group: 'mail', may: ['express.desk'], ...lazy(() => import('../express/Shipments.vue')) },
  { name: 'mail-order', group: 'mail', may: ['express.desk'], ...lazy(() => import('../express/MailOrder.vue')) },
  { name: 'hand-over', group: 'mail', may: ['express.desk'], ...lazy(() => import('../express/HandOver.vue')) },
  { name: 'exceptions', group: 'mail', may: ['express.desk'], ...lazy(() => import('../express/Exceptions.vue')) },
  { name: 'postage-policies', group: 'mail', may: ['express.policies'], ...lazy(() => import('../express/Policies.vue')) },
  { name: 'express-offices', group: 'mail', may: ['express.policies'], ...lazy(() => import('../express/Offices.vue')) },
  { name: 'mail-gaps', group: 'mail', may: ['express.policies'], ...lazy(() => import('../express/MailGaps.vue')) },
  { name: 'postage', group: 'mail', may: ['express.settle'], ...lazy(() => import('../express/Settlement.vue')) },
  { name: 'bills', group: 'money', may: ['bills.void', 'bills.reduce'], ...lazy(() => import('../money/Bills.vue')) },
  { name: 'refunds', group: 'money', may: ['refunds.check', 'refunds.approve'], ...lazy(() => import('../money/Refunds.vue')) },
  { name: 'suspense', group: 'money', may: ['suspense.decide'], ...lazy(() => import('../money/Suspense.vue')) },
  { name: 'reconciliation', group: 'money', may: ['finance.reconcile'], ...lazy(() => import('../money/Reconciliation.vue')) },
  { name: 'items', group: 'city', may: ['items.edit'], ...lazy(() => import('../items/Items.vue')) },
  { name: 'lists', group: 'city', may: ['items.publish'], ...lazy(() => import('../items/Lists.vue')) },
  { name: 'registers', group: 'city', may: ['items.edit'], ...lazy(() => import('../items/Registers.vue')) },
  { name: 'hours', group: 'plan', may: ['hall.manage'], ...lazy(() => import('./Hours.vue')) },
  { name: 'days', group: 'plan', may: ['hall.manage', 'platform.manage'], ...lazy(() => import('./Days.vue')) },
  { name: 'places', group: 'plan', may: ['hall.manage'], ...lazy(() => import('./Places.vue')) },
  { name: 'rules', group: 'plan', may: ['hall.manage'], ...lazy(() => import('./Rules.vue')) },
  { name: 'devices', group: 'plan', may: ['hall.manage'], ...lazy(() => import('../Devices.vue')) },
  { name: 'team', group: 'people', may: ['staff.manage'], ...lazy(() => import('./Team.vue')) },
  { name: 'appeals', group: 'people', may: ['conduct.decide'], ...lazy(() => import('../Appeals.vue')) },
  { name: 'ratings', group: 'people', may: ['ratings.read'], ...lazy(() => import('./Ratings.vue')) },
  { name: 'reports', group: 'report', may: ['reports.read', 'reports.city'], ...lazy(() => import('../reports/Reports.vue')) },
  { name: 'report-lists', group: 'report', may: ['reports.read', 'reports.city'], ...lazy(() => import('../reports/WatchLists.vue')) },
  { name: 'report-items', group: 'report', may: ['reports.read', 'reports.city'], ...lazy(() => import('../reports/ItemProgress.vue')) },
  { name: 'figures', group: 'look', may: ['hall.manage'], ...lazy(() => import('./Figures.vue')) },
  { name: 'tracking', group: 'look', may: ['cases.track'], ...lazy(() => import('../cases/Tracking.vue')) },
  { name: 'entrances', group: 'look', may: ['platform.manage'], ...lazy(() => import('./Entrances.vue')) },
  { name: 'funnel', group: 'look', may: ['booking.figures'], ...lazy(() => import('./Funnel.vue')) },
  { name: 'notices', group: 'look', may: ['platform.manage'], ...lazy(() => import('../Notices.vue')) },
  { name: 'holds', group: 'look', may: ['holds.manage'], ...lazy(() => import('./Holds.vue')) },
  { name: 'audit', group: 'look', may: ['audit.hall'], ...lazy(() => import('./Audit.vue')) },
]

/** What is done for the whole city, by the platform's operator and by finance, needs no hall. */
const CITY = ['platform.manage', 'cases.track', 'reports.city', 'items.edit', 'items.publish', 'express.policies', 'express.settle', 'refunds.approve', 'suspense.decide', 'finance.reconcile', 'holds.manage']

export const openTo = (page: ManagePage, permissions: string[], inHall: boolean): boolean =>
  page.may.some((one) => permissions.includes(one) && (inHall || CITY.includes(one)))
