/** One address of the citizens' app: the page loads when it is opened, with the texts it needs. */
import type { RouteRecordRaw } from 'vue-router'

export type Page = RouteRecordRaw['component'] & {}

export const page = (path: string, component: Page, texts: string[] = ['pages']): RouteRecordRaw => ({ path, component, meta: { texts } })
