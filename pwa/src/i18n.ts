import en from "../shared/messages.en.json";
import zh from "../shared/messages.zh.json";
import { prefs } from "./state/prefs";

export type MessageKey = keyof typeof zh;

const MESSAGES: Record<"zh" | "en", Record<MessageKey, string>> = { zh, en };

/** The sentence for a key in the chosen language, with its {placeholders} filled. */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  return MESSAGES[prefs.language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
