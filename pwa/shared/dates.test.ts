import { expect, test } from "vitest";
import { civilDay, clock, countdown, day, dayAndClock, grouped, yuan } from "./dates";

test("shows Xiamen time whatever the zone of the phone", () => {
  expect(dayAndClock("2026-12-01T01:30:00Z", "zh")).toBe("12月1日 周二 09:30");
  expect(dayAndClock("2026-12-01T01:30:00Z", "en")).toBe("Tue 1 Dec 09:30");
  expect(clock("2026-12-01T09:30:00+08:00")).toBe("09:30");
});

test("crosses midnight and the year in Xiamen, not in UTC", () => {
  expect(day("2026-12-31T15:59:59Z", "zh")).toBe("12月31日 周四");
  expect(day("2026-12-31T16:00:00Z", "zh")).toBe("1月1日 周五");
});

test("a civil date keeps its weekday", () => {
  expect(civilDay("2026-11-24", "zh")).toBe("11月24日 周二");
  expect(civilDay("2028-02-29", "en")).toBe("Tue 29 Feb");
});

test("a countdown never goes below zero", () => {
  expect(countdown(245.9)).toBe("4:05");
  expect(countdown(-3)).toBe("0:00");
});

test("money and codes", () => {
  expect(yuan(12000, "zh")).toBe("120 元");
  expect(yuan(1050, "en")).toBe("¥10.5");
  expect(grouped("12345678")).toBe("1234 5678");
});
