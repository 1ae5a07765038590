/** Tells a person who looks away that the number is called: the phone shakes and the page's title flashes. */
import { onScopeDispose, watch } from 'vue'
import { t } from '../../i18n'
import type { QueueTicket } from '../../api/types'

const SHAKE_MS = [400, 200, 400, 200, 400]

export function useCalled(ticket: () => QueueTicket | null): void {
  let flashing = 0

  function stop(): void {
    window.clearInterval(flashing)
    document.title = `${t('queue.title')} - ${t('app.name')}`
  }

  watch(() => (ticket()?.state === 'called' ? ticket()?.calls : undefined), (calls) => {
    stop()
    const number = ticket()?.number
    if (calls === undefined || number === undefined) return
    if ('vibrate' in navigator) navigator.vibrate(SHAKE_MS)
    let on = false
    flashing = window.setInterval(() => {
      on = !on
      document.title = on ? t('queue.called_title', { number }) : `${number} - ${t('app.name')}`
    }, 1000)
  }, { immediate: true })
  onScopeDispose(() => window.clearInterval(flashing))
}
