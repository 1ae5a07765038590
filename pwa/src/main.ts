import { createApp } from 'vue'
import App from './App.vue'
import { loadTexts } from './i18n'
import { createAppRouter } from './router'
import { applyPrefs } from './state/prefs'
import { loadSession } from './state/session'
import './styles/tokens.css'
import './styles/base.css'

// WeChat's login page leaves this mark behind; it names no place on the page.
if (location.hash === '#wechat_redirect') history.replaceState(history.state, '', location.pathname + location.search)
applyPrefs()
void loadSession()

const app = createApp(App)
const router = createAppRouter()
app.use(router)

void Promise.all([loadTexts(), router.isReady()]).then(() => {
  const root = document.getElementById('app')
  if (root) root.textContent = ''
  app.mount('#app')
})

if ('serviceWorker' in navigator && import.meta.env.PROD) {
  window.addEventListener('load', () => { void navigator.serviceWorker.register('/sw.js').catch(() => undefined) })
}
