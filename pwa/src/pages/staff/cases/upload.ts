/** A file sent for a case or an application: in parts, then waiting for its checks. */
import { api } from '../../../api/client'
import { newKey } from '../../../api/key'
import { sendRaw } from '../../../api/raw'
import type { StoredFile } from '../../../api/types'

const PART_BYTES = 256 * 1024
const ASK_MS = 700

export interface Place { subject_type: 'application' | 'case' | 'case_result'; subject_id: string; material: string | null }

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

async function sha256(blob: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The file once it was checked: `ready`, or `refused` with its reason. `sent` hears of the share that has arrived. */
export async function sendFile(blob: Blob, name: string, place: Place, sent: (share: number) => void): Promise<StoredFile> {
  const told = { ...place, name: name.slice(0, 120), media_type: blob.type, size: blob.size, sha256: await sha256(blob) }
  let file = await api.post<StoredFile>('/staff/files', told, { idempotencyKey: newKey() })
  const path = `/staff/files/${file.id}`
  for (let at = file.received; at < blob.size;) {
    const headers = { 'Upload-Offset': String(at), 'Content-Type': 'application/octet-stream' }
    at = ((await (await sendRaw('PATCH', path, blob.slice(at, at + PART_BYTES), { headers })).json()) as { received: number }).received
    sent(at / blob.size)
  }
  if (file.state === 'receiving') file = await api.post<StoredFile>(`${path}/finish`)
  while (file.state === 'receiving' || file.state === 'checking') {
    await pause(ASK_MS)
    file = await api.get<StoredFile>(path)
  }
  return file
}
