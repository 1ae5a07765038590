import { reactive, watchEffect } from "vue";
import type { Language } from "../../shared/dates";

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Keep a small choice on this device; a full or forbidden storage is no error. */
export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    return;
  }
}

export const prefs = reactive({
  language: (stored("language") === "en" ? "en" : "zh") as Language,
  elder: stored("elder") === "1",
});

/** Write every change to the page's root element and to this device. */
export function applyPrefs(): void {
  watchEffect(() => {
    const root = document.documentElement;
    root.lang = prefs.language === "zh" ? "zh-CN" : "en";
    root.toggleAttribute("data-elder", prefs.elder);
    keep("language", prefs.language);
    keep("elder", prefs.elder ? "1" : "0");
  });
}

/** Ids of the materials ticked for one item on this device. */
export function ticks(slug: string): string[] {
  try {
    const value: unknown = JSON.parse(stored(`ticks:${slug}`) ?? "[]");
    return Array.isArray(value) ? value.filter((id): id is string => typeof id === "string") : [];
  } catch {
    return [];
  }
}
