import { reactive } from "vue";
import { api, body, done, useCsrfToken } from "../api/client";
import type { Schemas } from "../api/client";

type Session = Schemas["Session"];

export const session = reactive({ known: false, me: null as Schemas["Me"] | null });

let asking: Promise<void> | null = null;

/** Take over what the server says about who is logged in. */
export function takeSession(answer: Session): void {
  useCsrfToken(answer.csrf_token);
  session.me = answer.me;
  session.known = true;
}

/** Ask the server once who is logged in; a failed question is asked again next time. */
export function loadSession(): Promise<void> {
  if (session.known) return Promise.resolve();
  asking ??= body(api.GET("/api/v1/session"))
    .then(takeSession)
    .finally(() => {
      asking = null;
    });
  return asking;
}

export async function logOut(): Promise<void> {
  await done(api.DELETE("/api/v1/session"));
  useCsrfToken(null);
  session.me = null;
  session.known = false;
}
