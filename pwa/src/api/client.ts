import createClient from "openapi-fetch";
import type { Middleware } from "openapi-fetch";
import { t } from "../i18n";
import { prefs } from "../state/prefs";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
type Problem = Schemas["Problem"];

/** A failed call: `code` is the stable name of the problem, `message` a sentence for the citizen. */
export class ApiProblem extends Error {
  readonly code: string;
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let csrfToken: string | null = null;

export function useCsrfToken(token: string | null): void {
  csrfToken = token;
}

const headers: Middleware = {
  onRequest({ request }) {
    request.headers.set("Accept-Language", prefs.language);
    if (request.method !== "GET" && csrfToken) request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: location.origin, credentials: "same-origin" });
api.use(headers);

/** A fresh key that lets the server recognise a repeated POST. */
export function newKey(): string {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Headers of a POST that may be repeated with one effect. */
export function idempotent(key: string): { headers: Record<string, string> } {
  return { headers: { "Idempotency-Key": key } };
}

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "code" in value && "title" in value;
}

async function settled<Data>(call: Promise<Answer<Data>>): Promise<Answer<Data>> {
  const answer = await call.catch(() => {
    throw new ApiProblem(0, "offline", t("state.offline"));
  });
  if (answer.response.ok) return answer;
  const { error, response } = answer;
  if (isProblem(error)) throw new ApiProblem(response.status, error.code, error.detail ?? error.title);
  throw new ApiProblem(response.status, "unknown", t("state.unknown"));
}

/** The body of a call that answers with one; every failure is an ApiProblem. */
export async function body<Data>(call: Promise<Answer<Data>>): Promise<Data> {
  const { data, response } = await settled(call);
  if (data === undefined) throw new ApiProblem(response.status, "unknown", t("state.unknown"));
  return data;
}

/** Wait for a call whose answer has no body. */
export async function done(call: Promise<Answer<unknown>>): Promise<void> {
  await settled(call);
}
