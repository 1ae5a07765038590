/** Files being uploaded: in parts, again after a cut from where it was, also when the page was left or loaded again. */
import { reactive, shallowRef, watch } from 'vue'
import { api, ApiProblem } from '../api/client'
import { newKey } from '../api/key'
import { sendRaw } from '../api/raw'
import type { StoredFile } from '../api/types'
import { dropBlob, keepBlob, keptBlobs, type KeptFile } from './blobs'
import { session } from './session'

export interface Upload extends Omit<KeptFile, 'blob'> {
  size: number
  sent: number
  /** waiting: cut off, goes on by itself; failed: `problem` says why it cannot. */
  phase: 'sending' | 'waiting' | 'failed'
  problem: ApiProblem | null
}

const PART_BYTES = 256 * 1024
const MOST_PAUSE_MS = 10_000
const PASSING = ['offline', 'upload_offset_wrong', 'upload_incomplete', 'too_many_requests', 'busy']

export const uploads = reactive<Upload[]>([])
/** The upload that ended last, with the file it became, if it was not stopped: lists of files show it and ask again. */
export const arrived = shallowRef<{ upload: Upload; file: StoredFile | null } | null>(null)
const blobs = new Map<string, Blob>()
const wakes = new Map<string, () => void>()

export const uploadsOf = (subjectType: string, subjectId: string, material: string | null = null): Upload[] =>
  uploads.filter((one) => one.subjectType === subjectType && one.subjectId === subjectId && (material === null || one.material === material))

export function upload(file: Omit<KeptFile, 'key' | 'id'>): void {
  begin({ ...file, key: newKey(), id: null })
}

function begin(file: KeptFile): void {
  const { blob, ...rest } = file
  blobs.set(file.key, blob)
  uploads.push({ ...rest, size: blob.size, sent: 0, phase: 'sending', problem: null })
  void keepBlob(file)
  void run(uploads.find((one) => one.key === file.key) as Upload, blob)
}

/** Goes on with what a closed page left behind. */
export async function resumeUploads(): Promise<void> {
  for (const file of await keptBlobs()) if (!blobs.has(file.key)) begin(file)
}

export function again(one: Upload): void {
  const blob = blobs.get(one.key)
  if (one.phase === 'waiting') wakes.get(one.key)?.()
  else if (one.phase === 'failed' && blob) void run(one, blob)
}

export async function stop(one: Upload): Promise<void> {
  forget(one)
  if (one.id) await api.delete(`/files/${one.id}`).catch(() => undefined)
}

function forget(one: Upload): void {
  blobs.delete(one.key)
  wakes.get(one.key)?.()
  wakes.delete(one.key)
  const at = uploads.findIndex((other) => other.key === one.key)
  if (at >= 0) uploads.splice(at, 1)
  void dropBlob(one.key)
}

async function run(one: Upload, blob: Blob): Promise<void> {
  let pause = 500
  while (blobs.has(one.key)) {
    one.phase = 'sending'
    const before = one.sent
    try {
      const file = await transfer(one, blob)
      forget(one)
      arrived.value = { upload: one, file }
      return
    } catch (error) {
      const problem = error instanceof ApiProblem ? error : new ApiProblem(500, {})
      if (!PASSING.includes(problem.code) && problem.status !== 503) {
        one.problem = problem
        one.phase = 'failed'
        return
      }
    }
    pause = one.sent > before ? 1000 : Math.min(pause * 2, MOST_PAUSE_MS)
    one.phase = 'waiting'
    await woken(one.key, pause)
  }
}

async function transfer(one: Upload, blob: Blob): Promise<StoredFile | null> {
  const file = one.id ? await api.get<StoredFile>(`/files/${one.id}`) : await announced(one, blob)
  one.id = file.id
  one.sent = file.received
  if (file.state !== 'receiving') return file
  while (one.sent < blob.size && blobs.has(one.key)) {
    const part = blob.slice(one.sent, one.sent + PART_BYTES)
    const answer = await sendRaw('PATCH', `/files/${file.id}`, part, { headers: { 'Upload-Offset': String(one.sent), 'Content-Type': 'application/octet-stream' } })
    one.sent = ((await answer.json()) as { received: number }).received
  }
  return blobs.has(one.key) ? api.post<StoredFile>(`/files/${file.id}/finish`) : null
}

async function announced(one: Upload, blob: Blob): Promise<StoredFile> {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const body = { subject_type: one.subjectType, subject_id: one.subjectId, material: one.material, name: one.name, media_type: blob.type, size: blob.size, sha256 }
  const made = await api.post<StoredFile>('/files', body, { idempotencyKey: one.key })
  void keepBlob({ key: one.key, id: made.id, subjectType: one.subjectType, subjectId: one.subjectId, material: one.material, name: one.name, blob })
  return made
}

function woken(key: string, ms: number): Promise<void> {
  return new Promise((done) => {
    const timer = window.setTimeout(done, ms)
    wakes.set(key, () => {
      window.clearTimeout(timer)
      done()
    })
  })
}

window.addEventListener('online', () => { for (const wake of wakes.values()) wake() })
watch(() => session.kind, (kind) => { if (kind === 'anonymous') for (const one of [...uploads]) forget(one) })
