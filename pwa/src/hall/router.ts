/** Every address of the hall's app. The server answers these paths with hall.html (backend/web.py). */
import type { Router } from 'vue-router'
import { routerOf } from '../navigation'

const OURS = /^\/(staff|screen|kiosk)(\/|$)/

export function createHallRouter(): Router {
  const router = routerOf([
    { path: '/staff/:page(.*)?', component: () => import('../pages/staff/StaffApp.vue'), meta: { texts: ['pages', 'staff', 'manage', 'money', 'items', 'mail', 'express', 'notices', 'cases', 'casework'] } },
    { path: '/screen/:code/:window(window)?/:number(\\d+)?', component: () => import('../pages/screen/Screen.vue'), meta: { texts: ['queue'] } },
    { path: '/kiosk/:hall?', component: () => import('../pages/kiosk/Kiosk.vue'), meta: { texts: ['pages', 'kiosk'] } },
    { path: '/:rest(.*)*', component: () => import('../pages/NotFound.vue'), meta: { texts: ['pages'] } },
  ])
  router.beforeEach((to) => {
    if (OURS.test(to.path)) return true
    location.assign(to.fullPath)
    return false
  })
  return router
}
