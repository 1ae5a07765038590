/** What a verdict sounds and feels like. The switch for silence is kept on this device. */
import { reactive, watch } from 'vue'
import { read, write } from '../../../state/storage'

export type Mood = 'good' | 'attention' | 'no'

const TONES: Record<Mood, { wave: OscillatorType; notes: number[]; buzz: number[] }> = {
  good: { wave: 'sine', notes: [880, 1318], buzz: [80] },
  attention: { wave: 'triangle', notes: [660, 660, 660], buzz: [80, 80, 80] },
  no: { wave: 'square', notes: [196, 147], buzz: [400] },
}
const NOTE_S = 0.14
const VOLUME = 0.25

export const sound = reactive({ muted: read<boolean>(localStorage, 'staff-muted') === true, allowed: true })
watch(() => sound.muted, (muted) => write(localStorage, 'staff-muted', muted || null))

let audio: AudioContext | null = null

/** Browsers let a page sound only after a touch or a key: call this from one. */
export async function allowSound(): Promise<void> {
  try {
    audio ??= new AudioContext()
    const started = audio.resume()
    await Promise.race([started, new Promise((done) => setTimeout(done, 300))])
    sound.allowed = audio.state === 'running'
  } catch {
    sound.allowed = false
  }
}

export function play(mood: Mood): void {
  const { wave, notes, buzz } = TONES[mood]
  navigator.vibrate?.(buzz)
  if (sound.muted || !audio || audio.state !== 'running') return
  const volume = audio.createGain()
  volume.gain.value = VOLUME
  volume.connect(audio.destination)
  notes.forEach((note, at) => {
    const voice = audio?.createOscillator()
    if (!voice || !audio) return
    voice.type = wave
    voice.frequency.value = note
    voice.connect(volume)
    voice.start(audio.currentTime + at * NOTE_S * 1.3)
    voice.stop(audio.currentTime + at * NOTE_S * 1.3 + NOTE_S)
  })
}
