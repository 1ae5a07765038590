/** A list of one's own things that comes in pages: the first when the page opens, more when asked for. */
import { computed, ref, shallowRef } from 'vue'
import { said } from './said'
import { useMine } from './useMine'

interface Page<T> { rows: T[]; next: string | null }

export function usePages<T>(ask: (cursor: string | null) => Promise<Page<T>>) {
  const more = shallowRef<T[]>([])
  const cursor = ref<string | null>(null)
  const busy = ref(false)
  const problem = ref('')
  const state = useMine(async () => {
    const page = await ask(null)
    more.value = []
    cursor.value = page.next
    return page.rows
  })
  const rows = computed(() => [...(state.data.value ?? []), ...more.value])

  async function loadMore(): Promise<void> {
    busy.value = true
    problem.value = ''
    try {
      const page = await ask(cursor.value)
      more.value = [...more.value, ...page.rows]
      cursor.value = page.next
    } catch (error) {
      problem.value = said(error)
    } finally {
      busy.value = false
    }
  }

  return { state, rows, cursor, busy, problem, loadMore }
}
