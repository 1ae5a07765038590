/** The citizens' app. */
import App from './App.vue'
import { offerTexts } from './i18n'
import { createAppRouter } from './router'
import { start } from './start'

// WeChat's login page leaves this mark behind; it names no place on the page.
if (location.hash === '#wechat_redirect') history.replaceState(history.state, '', location.pathname + location.search)
offerTexts(import.meta.glob(['../shared/{pages,booking}.*.json', '../shared/messages.en.json'], { import: 'default' }))
start(App, createAppRouter())
