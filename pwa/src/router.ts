import { createRouter, createWebHistory } from "vue-router";
import HomePage from "./pages/HomePage.vue";
import type { MessageKey } from "./i18n";

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
    { path: "/:path(.*)*", component: () => import("./pages/MissingPage.vue"), meta: { title: "state.missing" } },
  ],
});
