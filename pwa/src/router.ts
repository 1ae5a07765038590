/** Every address of the app. Pages load when they are opened. */
import { createRouter, createWebHistory, type Router, type RouteRecordRaw } from 'vue-router'
import { loadTexts, t } from './i18n'
import { leaveBooking } from './pages/booking/leave'

type Page = RouteRecordRaw['component'] & {}
const notFound = () => import('./pages/NotFound.vue')

const page = (path: string, component: Page, texts: string[] = ['pages']): RouteRecordRaw => ({ path, component, meta: { texts } })
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
  page('/inbox', () => import('./pages/citizen/Inbox.vue')),
  page('/me', () => import('./pages/citizen/Me.vue')),
  page('/me/conduct', () => import('./pages/citizen/Conduct.vue'), ['pages', 'conduct']),
  page('/me/family', () => import('./pages/citizen/Family.vue')),
  page('/login', () => import('./pages/citizen/Login.vue')),
  page('/lists', () => import('./pages/citizen/Lists.vue')),
  page('/lists/:tag', () => import('./pages/citizen/List.vue')),
  page('/halls', () => import('./pages/citizen/Halls.vue')),
  page('/halls/:code', () => import('./pages/citizen/Hall.vue'), ['pages', 'queue']),
  page('/halls/:code/take', () => import('./pages/queue/Take.vue'), ['pages', 'queue']),
  page('/tickets/:link', () => import('./pages/queue/Ticket.vue'), ['pages', 'queue']),
  { path: '/screen/:code/:window(window)?/:number(\\d+)?', component: () => import('./pages/screen/Screen.vue'), meta: { texts: ['queue'], bare: true } },
  page('/help', () => import('./pages/citizen/Help.vue')),
  { path: '/staff/:page?', component: () => import('./pages/staff/StaffApp.vue'), meta: { texts: ['pages', 'staff'], bare: true } },
  page('/:rest(.*)*', notFound),
]

export function createAppRouter(): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes,
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
  })
  router.beforeResolve(async (to) => { await loadTexts(to.meta.texts) })
  router.afterEach((to, from, failure) => {
    if (failure) return
    leaveBooking(from, to)
    if (to.path === '/') document.title = t('app.name')
  })
  router.onError((error, to) => {
    const stale = /dynamically imported module|Importing a module|preload CSS/i.test(String(error))
    if (stale && navigator.onLine && window.history.state?.reloaded !== to.fullPath) {
      window.history.replaceState({ reloaded: to.fullPath }, '')
      window.location.assign(to.fullPath)
    }
  })
  return router
}
