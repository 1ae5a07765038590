/** The camera behind a video element: its state in one word, its light, and the codes it sees. */
import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'
import { createReader } from './decoders'

const PAUSE_MS = 80

export type CameraState = 'off' | 'starting' | 'on' | 'denied' | 'absent' | 'in_use' | 'unsupported'

const STATES: Record<string, CameraState> = {
  NotAllowedError: 'denied', SecurityError: 'denied', NotFoundError: 'absent', OverconstrainedError: 'absent', NotReadableError: 'in_use', AbortError: 'in_use',
}

export function useCamera(video: Ref<HTMLVideoElement | undefined>, onText: (text: string) => void, bars = false) {
  const state = ref<CameraState>('off')
  const light = ref<boolean | null>(null)
  let stream: MediaStream | null = null
  let wanted = false
  let turn = 0
  const reader = createReader(bars)

  async function start(): Promise<void> {
    wanted = true
    const mine = ++turn
    release()
    state.value = 'starting'
    try {
      if (!navigator.mediaDevices?.getUserMedia) throw new DOMException('', 'NotSupportedError')
      const opened = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } } })
      if (mine !== turn || !video.value) {
        stopTracks(opened)
        return
      }
      stream = opened
      video.value.srcObject = opened
      await video.value.play()
      state.value = 'on'
      const track = opened.getVideoTracks()[0]
      light.value = (track?.getCapabilities?.() as { torch?: boolean } | undefined)?.torch ? false : null
      track?.addEventListener('ended', () => { if (mine === turn) state.value = 'in_use' })
      void look(mine)
    } catch (error) {
      if (mine === turn) state.value = STATES[(error as DOMException).name] ?? 'unsupported'
    }
  }

  async function look(mine: number): Promise<void> {
    const read = await reader
    while (mine === turn && stream) {
      if (video.value && video.value.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
        const text = await read(video.value)
        if (text && mine === turn) onText(text)
      }
      await new Promise((next) => setTimeout(next, PAUSE_MS))
    }
  }

  async function toggleLight(): Promise<void> {
    const track = stream?.getVideoTracks()[0]
    const next = !light.value
    await track?.applyConstraints({ advanced: [{ torch: next } as MediaTrackConstraintSet] }).then(() => { light.value = next }, () => { light.value = null })
  }

  function release(): void {
    if (stream) stopTracks(stream)
    stream = null
    light.value = null
  }

  function stop(): void {
    turn++
    release()
    state.value = 'off'
  }

  function seenOrNot(): void {
    if (document.hidden) {
      if (stream) stop()
    } else if (wanted && !stream) void start()
  }

  onMounted(() => document.addEventListener('visibilitychange', seenOrNot))
  onBeforeUnmount(() => {
    document.removeEventListener('visibilitychange', seenOrNot)
    stop()
  })
  return { state, light, start, toggleLight }
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop()
}
