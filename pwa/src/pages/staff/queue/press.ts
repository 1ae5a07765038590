/** One press of a button at a time: one request under one key, sent again until it is answered. */
import { onScopeDispose, ref } from 'vue'
import { api } from '../../../api/client'
import { newKey } from '../../../api/key'
import { t } from '../../../i18n'
import { said } from '../../citizen/parts/said'
import { untilAnswered } from '../desk'

export function usePress() {
  const sending = ref('')
  const reconnecting = ref(false)
  const problem = ref<unknown>(null)
  let here = true
  onScopeDispose(() => { here = false })

  /** What the server answered; null when it refused (`problem` says why), or while another press is under way. */
  async function once<T>(name: string, work: () => Promise<T>): Promise<T | null> {
    if (sending.value) return null
    sending.value = name
    problem.value = null
    try {
      return await untilAnswered(work, () => here, () => { reconnecting.value = true })
    } catch (error) {
      problem.value = error
      return null
    } finally {
      sending.value = ''
      reconnecting.value = false
    }
  }

  function post<T>(path: string, body: object = {}): Promise<T | null> {
    const key = newKey()
    return once(path, () => api.post<T>(path, body, { idempotencyKey: key }))
  }

  const problemSaid = () => (problem.value ? said(problem.value, t('staff.offline')) : '')
  return { sending, reconnecting, problem, problemSaid, once, post }
}
