/** One press at a time: whether it is under way, and what went wrong, in words. */
import { ref } from 'vue'
import { ApiProblem } from '../../api/client'
import { t } from '../../i18n'

export function wordsOf(error: unknown): string {
  if (!(error instanceof ApiProblem) || error.status === 0) return t('kiosk.no_network')
  return error.errors[0]?.detail || error.detail || error.title || t('kiosk.no_network')
}

export function useAttempt() {
  const busy = ref(false)
  const wrong = ref('')

  async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
    if (busy.value) return null
    busy.value = true
    wrong.value = ''
    try {
      return await work()
    } catch (error) {
      wrong.value = wordsOf(error)
      return null
    } finally {
      busy.value = false
    }
  }

  return { busy, wrong, attempt }
}
