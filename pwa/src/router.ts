/** Every address of the citizens' app. Pages load when they are opened. */
import type { Router, RouteRecordRaw } from 'vue-router'
import { t } from './i18n'
import { routerOf } from './navigation'
import { leaveBooking } from './pages/booking/leave'

type Page = RouteRecordRaw['component'] & {}
const notFound = () => import('./pages/NotFound.vue')

const page = (path: string, component: Page, texts: string[] = ['pages']): RouteRecordRaw => ({ path, component, meta: { texts } })
const bill = (path: string, component: Page) => page(path, component, ['pages', 'bills'])
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
  bill('/bills', () => import('./pages/bills/List.vue')),
  bill('/bills/find', () => import('./pages/bills/Find.vue')),
  bill('/bills/:id/refund', () => import('./pages/bills/Refund.vue')),
  bill('/bills/:id/:step(result)?', () => import('./pages/bills/Show.vue')),
  page('/inbox', () => import('./pages/citizen/Inbox.vue')),
  page('/me', () => import('./pages/citizen/Me.vue')),
  page('/me/conduct', () => import('./pages/citizen/Conduct.vue')),
  page('/me/notices', () => import('./pages/citizen/Notices.vue'), ['pages', 'notices']),
  page('/me/family', () => import('./pages/citizen/Family.vue')),
  page('/login', () => import('./pages/citizen/Login.vue')),
  page('/lists', () => import('./pages/citizen/Lists.vue')),
  page('/lists/:tag', () => import('./pages/citizen/List.vue')),
  page('/halls', () => import('./pages/citizen/Halls.vue')),
  page('/sites', () => import('./pages/citizen/Sites.vue')),
  page('/halls/:code', () => import('./pages/citizen/Hall.vue'), ['pages', 'queue']),
  page('/halls/:code/take', () => import('./pages/queue/Take.vue'), ['pages', 'queue']),
  page('/tickets/:link', () => import('./pages/queue/Ticket.vue'), ['pages', 'queue']),
  page('/help', () => import('./pages/citizen/Help.vue')),
  page('/:rest(.*)*', notFound),
]

export function createAppRouter(): Router {
  const router = routerOf(routes)
  router.afterEach((to, from, failure) => {
    if (failure) return
    leaveBooking(from, to)
    if (to.path === '/') document.title = t('app.name')
  })
  return router
}
