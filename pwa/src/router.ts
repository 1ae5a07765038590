import { createRouter, createWebHistory } from "vue-router";
import HomePage from "./pages/HomePage.vue";
import type { MessageKey } from "./i18n";
import { loadSession, session } from "./state/session";

declare module "vue-router" {
  interface RouteMeta {
    title?: MessageKey;
    login?: boolean;
  }
}

export const router = createRouter({
  history: createWebHistory(),
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  routes: [
    { path: "/", component: HomePage },
    { path: "/search", component: () => import("./pages/SearchPage.vue"), meta: { title: "search.title" } },
    { path: "/items/:slug", component: () => import("./pages/ItemPage.vue"), meta: { title: "item.summary" } },
    { path: "/login", component: () => import("./pages/LoginPage.vue"), meta: { title: "login.title" } },
    { path: "/book/:slug/hall", component: () => import("./pages/BookHallPage.vue"), meta: { title: "book.hall", login: true } },
    { path: "/book/:slug/time", component: () => import("./pages/BookTimePage.vue"), meta: { title: "book.time", login: true } },
    { path: "/book/:slug/check", component: () => import("./pages/BookCheckPage.vue"), meta: { title: "book.check", login: true } },
    { path: "/appointments", component: () => import("./pages/AppointmentsPage.vue"), meta: { title: "appointments.title", login: true } },
    { path: "/appointments/:id", component: () => import("./pages/AppointmentPage.vue"), meta: { title: "appointment.title", login: true } },
    { path: "/appointments/:id/done", component: () => import("./pages/AppointmentPage.vue"), meta: { title: "done.title", login: true } },
    { path: "/inbox", component: () => import("./pages/InboxPage.vue"), meta: { title: "inbox.title", login: true } },
    { path: "/me", component: () => import("./pages/MePage.vue"), meta: { title: "me.title", login: true } },
    { path: "/:path(.*)*", component: () => import("./pages/MissingPage.vue"), meta: { title: "state.missing" } },
  ],
});

/** Pages of one citizen ask for a login first and come back afterwards. */
router.beforeEach(async (to) => {
  if (!to.meta.login) return true;
  await loadSession().catch(() => undefined);
  if (session.me || !session.known) return true;
  return { path: "/login", query: { return_to: to.fullPath }, replace: true };
});
