/** What the routers of both apps share: texts before a page is shown, and a fresh start when a new version took the old files away. */
import { createRouter, createWebHistory, type Router, type RouteRecordRaw } from 'vue-router'
import { loadTexts } from './i18n'

export function routerOf(routes: RouteRecordRaw[]): Router {
  const router = createRouter({
    history: createWebHistory(),
    routes,
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
  })
  router.beforeResolve(async (to) => { await loadTexts(to.meta.texts) })
  router.onError((error, to) => {
    const stale = /dynamically imported module|Importing a module|preload CSS/i.test(String(error))
    if (stale && navigator.onLine && window.history.state?.reloaded !== to.fullPath) {
      window.history.replaceState({ reloaded: to.fullPath }, '')
      window.location.assign(to.fullPath)
    }
  })
  return router
}
