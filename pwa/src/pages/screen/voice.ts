/** Says each new call once, in Chinese and then in English. Browsers let a page speak only after a tap. */
import { onScopeDispose, ref, watch } from 'vue'
import { callsAfter, spoken, type Call } from '../../../shared/voice'

export function useVoice(calls: () => Call[] | null) {
  const able = 'speechSynthesis' in window && 'SpeechSynthesisUtterance' in window
  const on = ref(false)
  let last: number | null = null

  function say(call: Call): void {
    for (const { lang, text } of spoken(call)) {
      const words = new SpeechSynthesisUtterance(text)
      words.lang = lang
      words.rate = 0.9
      window.speechSynthesis.speak(words)
    }
  }

  watch(calls, (now) => {
    if (!now) return
    if (on.value && last !== null) callsAfter(now, last).forEach(say)
    last = Math.max(last ?? 0, ...now.map((call) => call.id))
  }, { immediate: true })
  onScopeDispose(() => { if (able) window.speechSynthesis.cancel() })

  function start(): void {
    on.value = true
    if ('wakeLock' in navigator) void navigator.wakeLock.request('screen').catch(() => undefined)
  }

  return { able, on, start }
}
