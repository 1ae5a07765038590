/** The pages for running a hall: address under /staff/, who may open it, and its group in the menu. */
import { defineAsyncComponent, type Component } from 'vue'

export interface ManagePage { name: string; group: 'now' | 'plan' | 'people' | 'look'; may: string[]; page: Component }

const lazy = (load: () => Promise<unknown>) => defineAsyncComponent(load as () => Promise<Component>)

export const MANAGE: ManagePage[] = [
  { name: 'live', group: 'now', may: ['hall.manage'], page: lazy(() => import('./Live.vue')) },
  { name: 'hours', group: 'plan', may: ['hall.manage'], page: lazy(() => import('./Hours.vue')) },
  { name: 'days', group: 'plan', may: ['hall.manage', 'platform.manage'], page: lazy(() => import('./Days.vue')) },
  { name: 'places', group: 'plan', may: ['hall.manage'], page: lazy(() => import('./Places.vue')) },
  { name: 'rules', group: 'plan', may: ['hall.manage'], page: lazy(() => import('./Rules.vue')) },
  { name: 'team', group: 'people', may: ['staff.manage'], page: lazy(() => import('./Team.vue')) },
  { name: 'appeals', group: 'people', may: ['conduct.decide'], page: lazy(() => import('../Appeals.vue')) },
  { name: 'ratings', group: 'people', may: ['ratings.read'], page: lazy(() => import('./Ratings.vue')) },
  { name: 'figures', group: 'look', may: ['hall.manage'], page: lazy(() => import('./Figures.vue')) },
  { name: 'audit', group: 'look', may: ['audit.hall'], page: lazy(() => import('./Audit.vue')) },
]

/** Only the city's special days need no hall. */
export const openTo = (page: ManagePage, permissions: string[], inHall: boolean): boolean =>
  page.may.some((one) => permissions.includes(one) && (inHall || one === 'platform.manage'))
