import { createApp } from "vue";
import App from "./App.vue";
import { router } from "./router";
import { applyPrefs } from "./state/prefs";
import "./styles/main.css";

applyPrefs();
createApp(App).use(router).mount("#app");

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  window.addEventListener("load", () => void navigator.serviceWorker.register("/sw.js"));
}
