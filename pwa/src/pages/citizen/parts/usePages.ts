/** usePaged for one's own things, with what its button says. */
import { ref } from 'vue'
import { usePaged, type PageOf } from '../../../ui/usePaged'
import { said } from './said'
import { useMine } from './useMine'

export function usePages<T>(ask: (cursor: string | null) => Promise<PageOf<T>>, load: typeof useMine<PageOf<T>> = useMine) {
  const { more, ...paged } = usePaged<T>(ask, load)
  const busy = ref(false)
  const problem = ref('')

  async function attempt(work: () => Promise<void>): Promise<void> {
    busy.value = true
    problem.value = ''
    try {
      await work()
    } catch (error) {
      problem.value = said(error)
    } finally {
      busy.value = false
    }
  }

  return { ...paged, busy, problem, attempt, loadMore: () => attempt(more) }
}
