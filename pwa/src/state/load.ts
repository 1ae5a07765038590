import { shallowRef, watch } from "vue";
import { ApiProblem } from "../api/client";
import { t } from "../i18n";

/** What to show a citizen about any failure. */
export function sentence(reason: unknown): string {
  return reason instanceof ApiProblem ? reason.message : t("state.unknown");
}

/** Load data whenever `key` changes; a late answer to an old key is dropped. */
export function useLoad<Data>(key: () => unknown, fetcher: () => Promise<Data>) {
  const data = shallowRef<Data>();
  const problem = shallowRef<string>();
  let latest = 0;

  async function reload(): Promise<void> {
    const mine = (latest += 1);
    problem.value = undefined;
    try {
      const loaded = await fetcher();
      if (mine === latest) data.value = loaded;
    } catch (reason) {
      if (mine === latest) problem.value = sentence(reason);
    }
  }

  watch(
    key,
    () => {
      data.value = undefined;
      void reload();
    },
    { immediate: true },
  );
  return { data, problem, reload };
}
