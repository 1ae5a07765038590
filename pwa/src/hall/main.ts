/** The hall's app: the staff's pages and the screens. Built apart from the citizens' app, whose first load carries nothing of it. */
import { RouterView } from 'vue-router'
import { offerTexts } from '../i18n'
import { start } from '../start'
import { createHallRouter } from './router'

offerTexts(import.meta.glob(['../../shared/*.json', '!../../shared/messages.zh.json'], { import: 'default' }))
start(RouterView, createHallRouter())
