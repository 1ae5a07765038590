import { expect, test } from "vitest";
import en from "./messages.en.json";
import zh from "./messages.zh.json";

const placeholders = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test("both languages have the same keys", () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
});

test("both languages fill the same placeholders", () => {
  for (const key of Object.keys(zh) as (keyof typeof zh)[]) {
    expect(placeholders(en[key]), key).toEqual(placeholders(zh[key]));
  }
});

test("no sentence is empty, and Chinese says 你", () => {
  for (const text of [...Object.values(zh), ...Object.values(en)]) expect(text.trim()).not.toBe("");
  expect(Object.values(zh).join("")).not.toContain("您");
});
