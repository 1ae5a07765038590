/** How both apps begin: preferences, who is signed in, texts, then the page; and the worker that keeps them usable without network. */
import { createApp, type Component } from 'vue'
import type { Router } from 'vue-router'
import { loadTexts } from './i18n'
import { applyPrefs } from './state/prefs'
import { loadSession } from './state/session'
import './styles/tokens.css'
import './styles/base.css'

export function start(root: Component, router: Router): void {
  applyPrefs()
  void loadSession()
  const app = createApp(root)
  app.use(router)
  void Promise.all([loadTexts(), router.isReady()]).then(() => {
    const place = document.getElementById('app')
    if (place) place.textContent = ''
    app.mount('#app')
  })
  if ('serviceWorker' in navigator && import.meta.env.PROD) {
    window.addEventListener('load', () => { void navigator.serviceWorker.register('/sw.js').catch(() => undefined) })
  }
}
