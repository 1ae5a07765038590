import { onBeforeUnmount } from 'vue'

const REFRESH_MS = 5_000

/** Does `work` every five seconds while the page is seen, and when it is seen again. */
export function useRefresh(work: () => void): void {
  const refresh = () => { if (!document.hidden) work() }
  const timer = window.setInterval(refresh, REFRESH_MS)
  document.addEventListener('visibilitychange', refresh)
  onBeforeUnmount(() => {
    window.clearInterval(timer)
    document.removeEventListener('visibilitychange', refresh)
  })
}
