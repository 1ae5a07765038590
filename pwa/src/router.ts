/** The citizens' addresses of the main job, from search to the pass; all others are in moreRoutes. */
import type { Router, RouteRecordRaw } from 'vue-router'
import { t } from './i18n'
import { routerOf } from './navigation'
import { page, type Page } from './page'
import { leaveBooking } from './pages/booking/leave'

const REST = 'rest'
const visit = (path: string, component: Page) => page(path, component, ['pages', 'booking'])

const routes: RouteRecordRaw[] = [
  { path: '/', component: () => import('./pages/citizen/Home.vue') },
  page('/search', () => import('./pages/citizen/Search.vue')),
  page('/items/:slug', () => import('./pages/citizen/Item.vue')),
  visit('/book/:slug/items', () => import('./pages/booking/Items.vue')),
  visit('/book/:slug/people', () => import('./pages/booking/People.vue')),
  visit('/book/:slug/hall', () => import('./pages/booking/Hall.vue')),
  visit('/book/:slug/date', () => import('./pages/booking/Date.vue')),
  visit('/book/:slug/time', () => import('./pages/booking/Time.vue')),
  visit('/book/:slug/who', () => import('./pages/booking/Who.vue')),
  visit('/book/:slug/check', () => import('./pages/booking/Check.vue')),
  visit('/appointments', () => import('./pages/appointments/List.vue')),
  visit('/appointments/:id', () => import('./pages/appointments/Show.vue')),
  visit('/appointments/:id/done', () => import('./pages/appointments/Done.vue')),
  visit('/appointments/:id/reschedule', () => import('./pages/appointments/Reschedule.vue')),
  visit('/appointments/:id/cancel', () => import('./pages/appointments/Cancel.vue')),
  page('/login', () => import('./pages/citizen/Login.vue')),
  { ...page('/:rest(.*)*', () => import('./pages/NotFound.vue')), name: REST },
]

export function createAppRouter(): Router {
  const router = routerOf(routes)
  let complete = false
  router.beforeEach(async (to) => {
    if (complete || to.name !== REST) return true
    for (const route of (await import('./moreRoutes')).moreRoutes) router.addRoute(route)
    complete = true
    return to.fullPath
  })
  router.afterEach((to, from, failure) => {
    if (failure) return
    leaveBooking(from, to)
    if (to.path === '/') document.title = t('app.name')
  })
  return router
}
