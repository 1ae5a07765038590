/** Civil dates and clock times of Xiamen (Asia/Shanghai, UTC+8, no summer time), whatever the phone's own zone. */
export type Language = "zh" | "en";

const HOUR_MS = 3_600_000;
const WEEKDAYS = {
  zh: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
  en: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
};
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function inXiamen(iso: string): Date {
  return new Date(Date.parse(iso) + 8 * HOUR_MS);
}

function dayOf(date: Date, language: Language): string {
  const weekday = WEEKDAYS[language][date.getUTCDay()];
  if (language === "zh") return `${date.getUTCMonth() + 1}月${date.getUTCDate()}日 ${weekday}`;
  return `${weekday} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** "2026-12-01T01:30:00Z" → "09:30". */
export function clock(iso: string): string {
  return inXiamen(iso).toISOString().slice(11, 16);
}

/** "2026-12-01T01:30:00Z" → "12月1日 周二" / "Tue 1 Dec". */
export function day(iso: string, language: Language): string {
  return dayOf(inXiamen(iso), language);
}

/** "2026-12-01T01:30:00Z" → "12月1日 周二 09:30" / "Tue 1 Dec 09:30". */
export function dayAndClock(iso: string, language: Language): string {
  return `${day(iso, language)} ${clock(iso)}`;
}

/** A civil date "2026-12-01" → "12月1日 周二" / "Tue 1 Dec". */
export function civilDay(date: string, language: Language): string {
  return dayOf(new Date(`${date}T00:00:00Z`), language);
}

/** Seconds left as "4:05"; never below "0:00". */
export function countdown(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Fen as yuan: 12000 → "120 元", 1050 → "10.5 元". */
export function yuan(fen: number, language: Language): string {
  const amount = String(fen / 100);
  return language === "zh" ? `${amount} 元` : `¥${amount}`;
}

/** A booking code in two groups: "12345678" → "1234 5678". */
export function grouped(code: string): string {
  return code.replace(/^(\d{4})(\d{4})$/, "$1 $2");
}
